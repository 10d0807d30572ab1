import { normalise } from "../internal/normalise.ts";

/** Longest prompt that is analysed, in characters. Longer ones usually contain personal text, and count as personal. */
export const PERSONAL_CHARS_MAX = 4_096;

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** First persons. Words that are one in a language and harmless in English cost a shared answer, never a leak. */
const FIRST_PERSONS = words(`
  i i'm im i've ive i'd i'll me my mine myself we we're we've we'd we'll us our ours ourselves
  mi mis mío mía míos mías yo conmigo nosotros nosotras nuestro nuestra nuestros nuestras
  mon ma mes je j'ai moi nous notre nos mien mienne
  ich mich mir mein meine meinen meinem meiner meines wir uns unser unsere unseren unserem
  meu minha meus minhas eu comigo nosso nossa nossos nossas
  mio mia miei mie io nostro nostra nostri nostre
  mijn ik mij ons onze wij`);

/** First persons that only ask for an answer: "tell me", "how do I". */
const ASKING = new RegExp(
  [
    String.raw`\bhow (?:do|does|can|could|should|would|might|may|must) (?:i|we)\b`,
    String.raw`\b(?:tell|give|show|help|teach|explain to|write|list|find|recommend|suggest|send|make) (?:me|us)\b`,
    String.raw`\b(?:can|could|would|will) you (?:please )?(?:help|tell|show|give|teach) (?:me|us)\b`,
    String.raw`\blet (?:me|us) know\b`,
    String.raw`\b(?:i|we) (?:want|need|wish|would like) to know\b`,
    String.raw`\b(?:i|we)'d like to know\b`,
    String.raw`\bi wonder\b`,
    String.raw`\bin order to\b`,
  ].join("|"),
  "g",
);

/** Things that people have their own of, so that the word alone is personal. */
const OWN = words(`
  balance balances invoice invoices refund refunds refunded payslip paycheck salary subscription subscriptions shipment
  shipments parcel parcels appointment appointments prescription prescriptions owe owed overdue eligible eligibility billed
  charged overcharged delivery deliveries reimbursement deductible nearby
  payday paychecks inbox mailbox unread unpaid outstanding basket agenda boss landlord dentist medication medications booked
  otp iban ssn gpa username whoami dosage biopsy tumor tumour courier notifications voicemail portfolio calendar itinerary`);

/**
 * Frequent words of other languages that English hardly uses. A prompt with one of them cannot be analysed, even if other words look
 * English ("Wat is het saldo?").
 */
const OTHER_LANGUAGES = words(`
  het een voor zijn niet wat hoe waar wanneer welke naar
  hvad hvor hva hvem hvornår når och är för att inte hur vad vilken vilket skal det saldot
  quanto della dello degli quale quali perché sono
  cuál qué dónde cómo cuánto cuándo está están el cual cuanto donde
  quel quelle quels quelles combien où pourquoi est-ce votre vos
  ist sind der das und wie wo wann warum welche welcher nicht ein eine
  qual onde quando está são você
  jest jaki jaka jakie czy gdzie ile kiedy
  sunt cât câte unde
  adalah berapa bagaimana kapan
  ano mga saan magkano
  nedir nasıl kaç nerede niçin
  mikä mitä missä milloin kuinka paljonko
  kdy kolik proč`);

/** Things that people may have their own of: personal with a determiner or a number. */
const POINTED =
  "account|order|package|ticket|booking|reservation|bill|payment|plan|policy|claim|contract|membership|transaction|statement|loan|mortgage|card|profile|password|purchase|case|application|request|diagnosis|results?|usage|quota|points|cart|lease|exam|interview|visa|warranty|insurance|premium|trial|credit|salary|grade|flight|driver|technician|patient|report|photo|picture|e-?mail|contacts|to-?do list|blood pressure";
const POINTED_AT = new RegExp(
  String.raw`\b(?:the|this|that|last|latest|current|next|recent|previous|open|pending|active|existing)(?: \w+)? (?:${POINTED})s?\b|\b(?:${POINTED})s?(?: (?:no|number|id|status))?[ .:#]*\d`,
);
/**
 * Phrases that depend on the caller's conversation, day, place or account: "what did you say", "what is due today", "how many days are
 * left". A pattern is only tried if the text contains one of the words before it.
 */
/** Common first names that are hardly words, places or products. */
const FIRST_NAMES =
  "anna ana peter john mary maria marie tom thomas james david michael mike sarah lisa laura emma julia paul chris steve kevin brian susan karen linda robert alice ben sam alex daniel joe jane kate nick nina eva sofia sophie olivia lucas liam noah mia lena jonas hans ahmed ali fatima mohammed omar yuki raj priya pedro carlos juan jose luis pierre claire giulia marco luca ivan olga elena emily hannah jessica jennifer amy andrew anthony matt matthew josh eric ryan jason rachel rebecca megan nicole samantha melissa amanda greg jeff tim simon oliver harry george henry edward charlie william zoe";
const FAMILY = "mom|mum|mommy|mummy|dad|daddy|grandma|grandpa|granny";
/** Verbs and states of people whom the asking person knows, rather than of famous ones. */
const OF_PEOPLE = words(
  "accept agree answer approve arrive ask attend be book call come confirm decline eat email finish forget get go join know leave like mention need order pay read receive reply respond say see send sign start text think want work write accepted agreed answered approved arrived called confirmed declined finished left paid read replied responded said sent signed started coming going joining working available away back busy free here home in late ok okay online out ready sick there",
);
const NAMES = words(FIRST_NAMES);
/** A question with the two words that may be a name and what such people do: all of them in one expression would take 40 ms to compile. */
const ASKED_OF =
  /\b(?:did|does|has|have|is|was|will|can|could|should|would)(?= (\w+) (?:already |still |not |ever )?(\w+))/g;

function isOfPerson(text: string): boolean {
  for (const [, name = "", act = ""] of text.matchAll(ASKED_OF)) if (NAMES.has(name) && OF_PEOPLE.has(act)) return true;
  return false;
}

/** Numbers of one's own, which are written as one word, too: "the account number", "the accountnumber". */
const CODED =
  "reset|confirmation|verification|security|activation|tracking|pin|login|access|account|phone|passport|tax|customer|member|reference";
const CODES = "code|number|id|pin";

const SITUATED: readonly (readonly [words: string, pattern: string | ((text: string) => boolean)])[] = [
  ["you", String.raw`\b(?:did|have|had) you\b`],
  ["you", String.raw`\byou (?:just )?(?:said|told|mentioned|promised|recommended|suggested|sent)\b`],
  [
    "last previous earlier prior",
    String.raw`\b(?:last|previous|earlier|prior) (?:\w+ )?(?:conversation|message|answer|chat|e-?mail|reply|question|meeting|call|visit)s?\b`,
  ],
  ["yesterday today tonight tomorrow", String.raw`\b(?:yesterday|today|tonight|tomorrow)\b`],
  ["here", String.raw`\bhere ?(?:[?.!]|$)`],
  ["due", String.raw`\bdue\b(?! to\b)`],
  ["left", String.raw`\b(?:is|are|have|has|what's) left\b`],
  ["earned spent assigned scheduled", String.raw`\b(?:is|are|was|were|been) (?:earned|spent|assigned|scheduled)\b`],
  ["user customer caller", String.raw`\b(?:current|logged[- ]in|signed[- ]in) (?:user|customer|caller)\b`],
  [
    "user customer caller member patient employee",
    String.raw`\b(?:the|this) (?:user|customer|caller|member|patient|employee)'s\b`,
  ],
  ["asking", String.raw`\b(?:person|one|user|somebody|someone) (?:who is )?asking\b`],
  ["usual", String.raw`\bthe usual\b`],
  ["key keys", String.raw`\b(?:the|this|current) (?:api|access|secret) keys?\b`],
  [
    ["", ...CODED.split("|")]
      .flatMap((kind) => CODES.split("|").map((code) => `${kind}${code} ${kind}${code}s`))
      .join(" "),
    String.raw`\b(?:the|this|that)(?: \w+)? (?:${CODED}) ?(?:${CODES})s?\b|\bthe pin\b`,
  ],
  ["file record", String.raw`\bon (?:file|record)\b`],
  ["remain remains remaining", String.raw`\bremain(?:s|ing)?\b`],
  ["attached", String.raw`\battached\b`],
  ["this", String.raw`\bthis (?:week|weekend|morning|afternoon|evening|month|year|place|city|chat|call|tier|room)\b`],
  ["login logins", String.raw`\b(?:last|failed|recent) logins?\b|\bthe login\b`],
  ["nearest", String.raw`\bthe nearest\b`],
  ["any", String.raw`\bany (?:new|news|updates?)\b`],
  ["decided outcome decision", String.raw`^what (?:was|is) (?:decided|the (?:outcome|decision))\b`],
  ["birth", String.raw`\bdate of birth\b`],
  ["logged", String.raw`\blogged in\b`],
  [FIRST_NAMES, isOfPerson],
  [
    FAMILY.replaceAll("|", " "),
    String.raw`\b(?:did|does|has|had|is|was|will|would|can|could|should|from|to|with) (?:${FAMILY})\b|\b(?:${FAMILY})'s (?!day\b)`,
  ],
  [
    "kids baby nanny babysitter plumber electrician neighbor neighbour neighbors neighbours handyman",
    String.raw`^(?:is|are|was|were|did|has|have|will|where(?:'s| is| are| did)?|when did|why did) the (?:kids|baby|nanny|babysitter|plumber|electrician|neighbou?rs?|handyman)\b`,
  ],
  [
    "door garage gate window windows oven stove light lights alarm heating",
    String.raw`\bat the (?:front |back )?door\b|^(?:is|are|was|were) the (?:\w+ )?(?:door|garage|gate|windows?|oven|stove|lights?|alarm|heating) (?:\w+ )?(?:locked|unlocked|open|closed|shut|on|off)\b`,
  ],
  [
    "key keys password passwords passcode passcodes code codes",
    String.raw`\b(?:the|this) (?:wi-?fi|wireless|router|network|house|car|office|front door|door|gate|garage|alarm|safe|locker|spare) (?:key|password|passcode|code)s?\b|\b(?:the|this) wi fi (?:key|password)\b`,
  ],
  [
    "result results",
    String.raw`\b(?:the|this|latest) (?:\w+ )?(?:blood|lab|laboratory|biopsy|scan|mri|x-?ray|ct|urine|covid|std|dna|pregnancy|exam|allergy)(?: test| scan)? results?\b`,
  ],
  [
    "conversation discussion thread dialogue dialog transcript",
    String.raw`\b(?:this|the (?:whole|entire|current)) (?:conversation|discussion|thread|dialog(?:ue)?|transcript)\b|\b(?:conversation|discussion|thread) so far\b`,
  ],
  ["raining snowing", String.raw`\bis it (?:still )?(?:raining|snowing)(?: outside| now| right now)? ?(?:[?.!]|$)`],
  ["called texted", String.raw`^who (?:just )?(?:called|texted)\b`],
  ["repeat continue", String.raw`^(?:repeat|continue)\b`],
  [
    "time day date",
    String.raw`\bwhat(?:'s| is)? (?:the )?(?:time|day|date)(?: is it)?(?:(?: right)? now)? ?(?:[?.!]|$)`,
  ],
  ["weather", String.raw`\bthe weather(?: like)? ?(?:[?.!]|$)`],
  ["name", String.raw`\bthe name of the (?!(?:\w+ )+(?:of|in|on|that|who|which)\b|\w+est\b|first\b)`],
  [
    "approved granted declined denied accepted delayed shipped",
    String.raw`^(?:is|was|has|why|are|were|have)\b.* (?:approved|granted|declined|denied|accepted|delayed|shipped)\b`,
  ],
  ["home work", String.raw`\b(?:to|from) (?:home|work) ?(?:[?.!]|$)|\bis home\b`],
  ["manager desk meeting doctor", String.raw`\bthe (?:manager|desk|meeting|doctor)\b`],
];
/** The patterns by the words before them, so that few are compiled and tried for one text. */
const SITUATED_BY: ReadonlyMap<string, readonly Pattern[]> = toPatterns(SITUATED);
const ADDRESSED = /[\w.+-]@[\w-]+\.|\d[\d ()-]{6,}\d/;

/** Words that English prompts have and others hardly: without one a prompt was not understood here. */
const ENGLISH = words(`
  the what what's which who who's whose when where why how does did has have had been with from this that these those and are were
  for to can could should would will its it's your write explain list give tell show translate summarize summarise define describe compare
  between into than there their they about is of`);

/** Marks of a word; it may have several. */
const [FIRST_PERSON, OWNED, KNOWN, POINTS, SITUATES, OTHER] = [1, 2, 4, 8, 16, 32] as const;

/** Marks of the words that matter. */
const MARKS: ReadonlyMap<string, number> = toMarks([
  [FIRST_PERSONS, FIRST_PERSON],
  [OWN, OWNED],
  [OTHER_LANGUAGES, OTHER],
  [ENGLISH, KNOWN],
  [
    POINTED.replaceAll("?", "")
      .split("|")
      .flatMap((noun) => toForms(noun.split(" ").at(-1) as string)),
    POINTS,
  ],
  [SITUATED.flatMap(([needed]) => needed.split(" ")), SITUATES],
]);

/**
 * Returns true if a prompt's answer may depend on the caller.
 *
 * That is so if it mentions its author ("what is my balance?", "our account"), something people have their own of ("the last invoice",
 * "order 4711"), or their conversation, day or place ("what did you say", "due today"). Prompts that cannot be analysed also count as
 * personal ("mi saldo", other scripts, long texts). An error on this side costs only a shared answer. Analyses English, and first persons
 * of a few other languages. Linear.
 */
export function isPersonal(prompt: string): boolean {
  if (prompt.length > PERSONAL_CHARS_MAX) return true;
  const plain = BEYOND_PLAIN.test(prompt) ? fold(prompt) : prompt;
  if (BEYOND_ASCII.test(plain) && FOREIGN.test(plain)) return true;
  // A country, not the author.
  const named = plain.includes("U") ? plain.replaceAll(/\bU\.?S\.?(?:A\.?)?(?![\w'])/g, "america") : plain;
  const text = named.toLowerCase();
  if (/[@\d]/.test(text) && (ADDRESSED.test(text) || POINTED_AT.test(text))) return true;
  const found = marksOf(text);
  if ((found & (OWNED | OTHER)) !== 0) return true;
  if ((found & POINTS) !== 0 && POINTED_AT.test(text)) return true;
  if ((found & SITUATES) !== 0 && isSituated(text)) return true;
  if ((found & FIRST_PERSON) === 0) return (found & KNOWN) === 0;
  const rest = marksOf(text.replaceAll(ASKING, " the "));
  return (rest & FIRST_PERSON) !== 0 || (rest & KNOWN) === 0;
}

/** Characters that need folding; most prompts have none. */
const BEYOND_PLAIN = /[^\x20-\x5F\x61-\x7E]| {2}/;
const BEYOND_ASCII = /[^\x20-\x7E]/;

function fold(prompt: string): string {
  return normalise(prompt, "NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .replaceAll(/[\u2018\u2019\u02BC\u0060\u00B4]/g, "'")
    .replaceAll(/\s+/g, " ");
}

/** Returns the union of the marks of a text's words. */
function marksOf(text: string): number {
  // A letter beyond ASCII ends a word for a pattern, and not for this list of words.
  const foreign = BEYOND_ASCII.test(text);
  let marks = foreign ? POINTS : 0;
  for (const word of text.match(foreign ? FOREIGN_WORDS : ASCII_WORDS) ?? []) {
    marks |= MARKS.get(word) ?? 0;
    const end = word.indexOf("'");
    if (end !== -1) marks |= (MARKS.get(word.slice(0, end)) ?? 0) & (POINTS | SITUATES);
  }
  if (foreign) for (const word of text.match(ASCII_PARTS) ?? []) marks |= (MARKS.get(word) ?? 0) & SITUATES;
  return marks;
}

const [ASCII_WORDS, ASCII_PARTS] = [/[a-z0-9]+(?:'[a-z]+)*/g, /[a-z0-9]+/g];
const FOREIGN_WORDS = /[\p{L}\p{N}]+(?:'\p{L}+)*/gu;

/** What is tried on a text. */
type Pattern = Pick<RegExp, "test">;

/** Whether a text matches one of the patterns whose words it has. */
function isSituated(text: string): boolean {
  const patterns = new Set<Pattern>();
  for (const word of text.match(ASCII_PARTS) ?? [])
    for (const pattern of SITUATED_BY.get(word) ?? []) patterns.add(pattern);
  return [...patterns].some((pattern) => pattern.test(text));
}

function toPatterns(list: typeof SITUATED): ReadonlyMap<string, readonly Pattern[]> {
  const patterns = new Map<string, Pattern[]>();
  for (const [needed, pattern] of list) {
    const one = typeof pattern === "string" ? new RegExp(pattern) : { test: pattern };
    for (const word of needed.split(" ")) patterns.set(word, [...(patterns.get(word) ?? []), one]);
  }
  return patterns;
}

function toMarks(lists: readonly (readonly [Iterable<string>, number])[]): ReadonlyMap<string, number> {
  const marks = new Map<string, number>();
  for (const [list, mark] of lists) for (const word of list) marks.set(word, (marks.get(word) ?? 0) | mark);
  return marks;
}

function toForms(noun: string): string[] {
  return [noun.replace(/s$/, ""), noun, `${noun}s`];
}

/** Letters that English words do not have. */
const FOREIGN = /[^\P{L}\p{Script=Latin}]/u;
