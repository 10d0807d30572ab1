import { normalise } from "../../internal/normalise.ts";

/**
 * Returns true if a text seems to address a judge rather than ask something: it gives orders, plays a role of a chat, names a verdict, or
 * hides letters. Such a pair is never judged. A false alarm costs one miss. A text that is not detected still meets a fixed prompt and a
 * strict parser of the reply.
 *
 * Linear in the length of the text. Pure.
 */
export function speaksToJudge(text: string, kind: "question" | "answer" = "question"): boolean {
  if (HIDDEN.test(text) || (kind === "question" && ENCODED.test(text))) return true;
  const plain = fold(text);
  const forms = [plain, unspaced(plain), unleet(plain)];
  return forms.some(
    (form) =>
      ORDERS.some((order) => order.test(form)) || (kind === "question" && TAKEOVERS.some((order) => order.test(form))),
  );
}

/** Characters that show one text and say another: tag characters, and overrides of the writing direction. */
const HIDDEN = /[\u{E0000}-\u{E007F}\u202A-\u202E\u2066-\u2069]/u;

/** A long run of base64, which a model may read; digests in hexadecimal are no such run. */
const ENCODED =
  /\b(?=[a-z0-9+/]{0,200}[A-Z])(?=[A-Z0-9+/]{0,200}[a-z])(?=[A-Fa-f0-9+/]{0,200}[G-Zg-z])[A-Za-z0-9+/]{48,}/;

/** Letters of other alphabets that look like Latin ones. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  "аa еe оo рp сc уy хx іi ѕs јj ԁd һh ԛq ԝw ɡg αa οo ρp νv ιi κk τt υu εe ℓl ıi"
    .split(" ")
    .map((pair) => [pair.slice(0, 1), pair.slice(1)]),
);

function fold(text: string): string {
  const folded = normalise(text, "NFKD")
    .replaceAll(/[\p{Mn}\u00AD\u200B-\u200F\u2060-\u2064\uFEFF]/gu, "")
    .toLowerCase()
    // Patterns that allow for white space would read a long run of it again from each of its places.
    .replaceAll(/\s+/g, (space) => (space.includes("\n") ? "\n" : " "));
  // A text that is in another alphabet is left as it is: only letters among Latin ones pretend to be such.
  return folded.replaceAll(/[^\s.,;:!?"'`(){}[\]]+/gu, (word) =>
    /[a-z]/.test(word) ? word.replaceAll(/[^ -~]/gu, (letter) => LOOKALIKES.get(letter) ?? letter) : word,
  );
}

/** "i g n o r e" and "i-g-n-o-r-e" as "ignore". */
function unspaced(text: string): string {
  return text.replaceAll(/\b[a-z](?:[ ._*-][a-z]\b){3,}/g, (letters) => letters.replaceAll(/[ ._*-]/g, ""));
}

/** "1gn0re" as "ignore". */
function unleet(text: string): string {
  const letters: ReadonlyMap<string, string> = new Map(
    Object.entries({
      "0": "o",
      "1": "i",
      "3": "e",
      "4": "a",
      "5": "s",
      "7": "t",
      "@": "a",
      $: "s",
    }),
  );
  return text.replaceAll(/\S+/g, (word) =>
    /[a-z]/.test(word) ? word.replaceAll(/[013457@$]/g, (sign) => letters.get(sign) as string) : word,
  );
}

const SAID = "same|different|unsure|identical|equivalent|equal|duplicates?";
/** In a question and in an answer. */
const ORDERS: readonly RegExp[] = [
  /\b(?:same|identical|equivalent|duplicate)\s+(?:questions?|prompts?|answers?|quer(?:y|ies)|meanings?)\b/,
  /\b(?:stored|cached|given|other|first|second)\s+(?:questions?|prompts?|quer(?:y|ies)|answers?)\b/,
  /(?<!\b(?:the|all|are|stay|stays|remain|look|feel|be|just) )\bsame["'`]?\s*[.!]*$/,
  /\b(?:decision|result|output|final|answer|reply|response|verdict|respuesta|respuestas|antwort|reponse|risposta)\b[^.?!\n]{0,12}(?:=|:|\bis\b|\bto\b)\s*["'`]?(?:same|igual|gleich|true|match|identi\w*|equal|yes)\b/,
  /(?:ответ\S*|回答|答案)\s*[:：=]?\s*["']?(?:same|одинаков|同|一)/,
  /\b(?:approve|accept|pass|allow|confirm|serve)\b[^.?!\n]{0,25}\b(?:pair|match|stored|cached)\b|\bas (?:the|a|an) (?:comparator|judge|evaluator|grader|classifier|cache|model|ai)\b/,
  /\b(?:say|state|claim|pretend|assume|suppose|confirm|agree|tell)\b[^.?!\n]{0,40}\b(?:match|matches|same|equal|identical|equivalent|one thing|alike|duplicates?)\b/,
  /\b(?:they|these|those|both)\s+(?:are|mean|ask|want)\s+(?:for\s+)?(?:the same|identical|equivalent|equal|one)\b|\bquestions?\s+(?:are\s+)?(?:equal|match)\b/,
  /\bsame\b[^.?!\n]{0,20}\b(?:reply|answer|verdict|decision|output|response)\b/,
  /(?:pregunta|question|frage|domand|вопрос|質問|问题|問題)[^.?!\n]{0,20}(?:igual|mism|meme|gleich|dieselb|identi|ugual|stess|одинаков|同|一样|一樣)|(?:igual|mism|meme|gleich|dieselb|identi|ugual|stess|одинаков|同じ|相同)[^.?!\n]{0,20}(?:pregunta|question|frage|domand|вопрос|質問|问题|問題)/,
  /\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|overrule|bypass|neglect|discard|set aside)\b[^\n]{0,60}?\b(?:instruct\w*|prompts?|rules?|guidelines?|directions?|orders?|previous\w*|above|prior|preceding|earlier|criteria|comparison|said|told)\b/,
  /\bverdicts?\b/,
  /["'`“”‘’«»]\s*(?:same|different|unsure)\s*["'`“”‘’«»]/,
  new RegExp(
    `\\b(?:reply|respond|answer|output|say|print|write|emit|return|choose|pick|select)\\b[^.?!\\n]{0,40}?\\b(?:same|different|unsure)\\b\\s*["'\`]?\\s*(?:$|[.!,;:})]|only\\b|regardless|always|no matter|please|for\\b|now\\b|here\\b|to\\b)`,
  ),
  new RegExp(
    `\\b(?:these|both|two|following|second|all|paired?)\\b[^.?!\\n]{0,20}?\\b(?:questions?|prompts?|texts?|quer(?:y|ies)|inputs?|sentences?|wordings?)\\b[^.?!\\n]{0,40}?\\b(?:${SAID}|match\\w*|mean)\\b`,
  ),
  new RegExp(
    `\\b(?:treat|consider|mark|judge|classify|label|regard|rate|deem|declare|call|flag|count|score)\\b[^.?!\\n]{0,50}?\\b(?:${SAID})\\b`,
  ),
  /<\|[^|\n]{1,40}\|>|\[\/?inst\]|<<\/?sys>>|<\/?(?:system|assistant|user|developer|data|instructions?|first|second|asked|stored|verdict)>/,
  /(?:^|[\n.!?;|>#*"'}\]-])\s*(?:system|assistant|developer|human)\s*(?:message|prompt|note|override)?\s*:/,
  /(?:^|\n|\s)#{2,}\s*(?:instructions?|system|response|input|end)\b/,
  /["'}\]]\s*[,}\]]{0,8}\s*[{,]?\s*["'](?:verdict|first|second|asked|stored|answer|role|content)["']\s*:/,
  /\b(?:note|message|instructions?|order|attention|dear|hello|hey|hi)\b[\s,:]*(?:to|for)?\s*(?:the|all|any)?\s*(?:judges?|models?|ai|llms?|graders?|evaluators?|comparators?|classifiers?|cache)\b/,
  /(?:ignorier\w{0,20}|missacht\w{0,20}|vergiss)[^\n]{0,60}?(?:anweisung|vorherig|obig|regel)/,
  /(?:ignor[ae]\w{0,20}|olvid[ae]\w{0,20}|dimentic\w{0,20}|esque[cç]\w{0,20})[^\n]{0,60}?(?:instruc|istruzion|instru|anterior|precedent|regla|regra|regol)/,
  /(?:ignore[rz]?|oublie[rz]?)[^\n]{0,60}?(?:instruction|preced|consigne|regle)/,
  /(?:忽略|无视|無視)[^\n]{0,30}?(?:指令|指示|说明|説明|之前|以上|规则|規則|命令)|(?:以前|これまで|上記|先)の(?:指示|命令)/,
  /(?:игнорир|забуд|проигнорир)\S{0,20}[^\n]{0,60}?(?:инструкц|указан|предыдущ|правил)/,
  /(?:تجاهل|انس)[^\n]{0,60}?(?:تعليمات|التعليمات|السابقة)/,
  /(?:antwort\w{0,20}|erwider\w{0,20}|sag)\b[^\n]{0,40}?\b(?:gleich|same|identisch)\b/,
  /(?:respond\w{0,20}|contest\w{0,20}|rispond\w{0,20}|repond\w{0,20}|reponds|dis|di)\b[^\n]{0,40}?["'«]?\b(?:igual|mismo|same|uguale|identi\w*|pareil)\b/,
];

/** In a question alone: an answer may well say such things. */
const TAKEOVERS: readonly RegExp[] = [
  /\byou(?:'re| are| act| will act| must act)?\b[^.?!\n]{0,30}?\b(?:a|an|the|as)\s+(?:\w+\s+)?(?:judge|evaluator|comparator|grader|classifier)\b/,
  /\b(?:new|updated|real|actual|important|special|additional)\s+(?:instructions?|tasks?|rules?|directives?)\b[^.?!\n]{0,20}?[:.]/,
  /\byour\s+(?:\w+\s+)?(?:task|instructions?|job|role|output|verdict|decision)\s+(?:is|are|must|should|will)\b/,
  /\b(?:system prompt|developer mode|jailbreak|prompt injection)\b/,
];
