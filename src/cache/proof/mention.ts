import { lookUp } from "./lexicon.ts";
import { FUNCTION_WORDS } from "./words/function-words.ts";

/** Words and texts that a sentence mentions literally: "what rhymes with big", "translate to French: good day". */
export interface Mention {
  /** Text after the colon of an instruction. */
  readonly payload: string | undefined;
  /** Mentioned words, without those of the question; `undefined` for other sentences. */
  readonly words: readonly string[] | undefined;
}

const INSTRUCTION = /^([^:\n"`]{3,80}):\s+(\S[\s\S]*)$/;
/** Text before a colon that is no instruction. */
const LABEL =
  /^(?:(?:my|the|a|one|another|next|quick|here is my) )*(?:question|query|q|user|ask|prompt|hi|hello|hey|note|help|problem|context|hint|ps|fyi|issue|request|task)s?(?: is)?$/i;
/** A question whose colon lists what there is to choose from. */
const CHOICE = /^(?:which|what|who|where|when)\b/i;
const LANGUAGE =
  "(?:english|french|spanish|german|italian|portuguese|dutch|russian|chinese|mandarin|japanese|korean|arabic|hindi|turkish|polish|swedish|norwegian|danish|finnish|greek|hebrew|latin|czech|hungarian|thai|vietnamese|ukrainian)";
const ABOUT_WORDS = new RegExp(
  `\\b(?:rhym(?:e|es|ing)|(?:mis)?spell(?:s|ed|ing|ings|t)?|(?:past|present|future|perfect) (?:tense|participle)|participles?|plurals?|singular|conjugat\\w+|letters?|syllables?|vowels?|consonants?|` +
    `synonyms?|antonyms?|homophones?|anagrams?|palindromes?|etymolog\\w+|pronounc\\w+|pronunciations?|scrabble|crossword|translat\\w+|rewrite|rephrase|reword|paraphrase|proofread|grammar|` +
    `grammatical\\w*|punctuat\\w+|capitali[sz]\\w+|(?:upper|lower|title|camel|snake) ?case\\w*|base ?64|sha-?\\d+|md5|(?:hash|checksum|digest) (?:of|for)|(?:url|html) ?(?:en|de)cod\\w+|(?:en|de)code|encrypt|cipher|rot13|morse|formal (?:english|tone|style|way|version|letter|word|words|form)|(?:more|less) formal|formally|slang|` +
    `nouns?|verbs?|adjectives?|adverbs?|prefix|suffix|(?:this|my|following) sentences?|words? (?:for|of|like|with)|(?:this|the) words?|contractions?|^(?:please )?define|^(?:what is |whats? )?(?:the )?(?:definition|meaning) of|what does [^?]* mean|say [^?]* in ${LANGUAGE}|` +
    `${LANGUAGE} (?:word|for|translation)|in ${LANGUAGE}$)\\b`,
  "i",
);
/** The proof compares source and target language. */
const IS_LANGUAGE = new RegExp(`^${LANGUAGE}$`);
/** Where capitals are meant, too. */
const ABOUT_CAPITALS =
  /\b(?:case\w*|capital\w*|upper\w*|lower\w*|base ?64|sha-?\d+|md5|hash\w*|encod\w+|decod\w+|encrypt\w*|cipher|rot13)\b/i;
/** Where each letter counts, of names as well. */
const MEANS_TEXT = /\b(?:base ?64|sha-?\d+|md5|hash\w*|encod\w+|decod\w+|encrypt\w*|cipher|rot13)\b/i;
/** Words of the question about the mentioned ones. */
const ASKING =
  /^(?:rhym\w+|(?:mis)?spell\w*|tenses?|past|present|future|perfect|participles?|plurals?|singular|conjugat\w+|letters?|syllables?|vowels?|consonants?|synonyms?|antonyms?|homophones?|anagrams?|palindromes?|etymolog\w+|pronounc\w+|pronunciations?|scrabble|crossword|translat\w+|rewrite|rephrase|reword|paraphrase|hash\w*|encod\w+|decod\w+|encrypt\w*|words?|terms?|phrases?|sentences?|say|saying|said|call|called|tell|show|give|list|find|explain|describe|please|help|know|want|need|like|mean|means|meant|meaning|meanings|signify|stand|stands|defin\w+|acronym|abbreviation|form|forms|whats|thats|dont|doesnt|correct|correctly|way)$/;
const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}'_]*/gu;

/** Reads the mentions of a sentence. Linear. */
export function readMention(text: string): Mention {
  const [, head = "", payload] = INSTRUCTION.exec(text) ?? [];
  const isLabel = LABEL.test(head.trim());
  return {
    payload:
      payload === undefined || isLabel || (CHOICE.test(head) && / or /.test(payload))
        ? undefined
        : payload.replaceAll(/\s+/g, " ").trim(),
    words: ABOUT_WORDS.test(text) ? mentioned(text) : undefined,
  };
}

/** Whether two sentences mention other words or texts. Symmetric. */
export function mentionsDiffer(a: Mention, b: Mention): boolean {
  if (a.payload !== undefined && b.payload !== undefined && a.payload !== b.payload) return true;
  if (a.words === undefined && b.words === undefined) return false;
  if (a.words === undefined || b.words === undefined) return false;
  return a.words.length !== b.words.length || a.words.some((word, at) => word !== b.words?.[at]);
}

function mentioned(text: string): string[] {
  const isCased = ABOUT_CAPITALS.test(text);
  return [...text.matchAll(WORD)].flatMap(({ 0: word, index }) => {
    const small = word.toLowerCase().replace(/'s$/, "").replaceAll("'", "");
    if (FUNCTION_WORDS.has(small) || ASKING.test(small) || IS_LANGUAGE.test(small)) return [];
    return [isCased && index > 0 && (MEANS_TEXT.test(text) || !lookUp(small).isName) ? word : small];
  });
}
