/** Longest prompt that can be one short question, in characters, and in words where the script parts them. */
const CHARS_MAX = 80;
const WORDS_MAX = 8;
/** The same where nothing parts the words. */
const UNPARTED_MAX = 16;
/** Scripts that do not part words. */
export const UNPARTED: RegExp = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/**
 * Beginnings that carry on with something: "and", "but", "or", "then", "what about". A word that English or another language has, too,
 * counts only with a word behind it.
 */
const CARRIES_ON = toBeginning([
  // German
  "und|aber|oder|dann|sonst|außerdem|was ist mit|wie (?:ist|wäre|sieht) es (?:mit|in|bei|aus)|(?:jetzt|nun) (?:in|mit|auf|für|noch|bitte)",
  // French
  "et(?! al)|alors|donc|sinon|ensuite|qu['’]en est-il|mais (?:pourquoi|en|si|et|comment|qui|que|quand|où|à|au|pour|alors|dans)|ou (?:en|à|au|bien|plutôt)",
  // Spanish
  "y (?:en|el|la|los|las|si|sí|qué|que|por|para|con|de|del|al|a|cómo|como|cuándo|cuando|cuánto|cuanto|dónde|donde|quién|quien|cuál|cual|ahora|después|luego|entonces|sin)|pero|entonces|qué tal (?:en|con|si)|qué hay de",
  // Portuguese and Italian
  "(?:e|ed) (?:in|nel|nella|a|al|alla|il|la|lo|gli|le|i|per|con|se|poi|come|quando|chi|cosa|perché|na|no|nas|nos|em|o|os|as|para|quanto|qual|quem|onde|por|agora|depois|ora|dopo)|então|allora|quindi|oppure|invece|e?que tal|mas (?:por|em|no|na|se|como|e|o|a|quando|quem|porquê)|ma (?:perché|in|se|come|quando|chi|non|il|la|a|quanto)",
  // Dutch
  "en (?:in|de|het|een|dan|wat|waarom|hoe|wie|waar|wanneer|voor|met|nu|als|op|bij|die|dat|naar)|maar|dus|hoe zit het (?:met|in)",
  // Polish
  "a (?:w|we|na|co|jak|dla|gdzie|kiedy|ile|kto|czy|dlaczego|jeśli|gdyby|teraz|potem)|i (?:w|na|co|jak|dla|dlaczego|kiedy)|ale (?:w|co|jak|czy|kto|dlaczego|kiedy|gdzie)|albo|więc|co z",
  // Turkish
  "ve|peki|ama|fakat|veya|o zaman",
  // Russian
  "а|и|но|или|тогда|потом|теперь|также|тоже|(?:что|как) насч[её]т",
  // Korean
  "그리고|그럼|그러면|그런데|근데|하지만|그래서",
  // Arabic, which writes "and" as a part of the next word
  "(?:و(?:في|ماذا|لماذا|كيف|متى|أين|من|هل|ما|كم|بعد|الآن)|ماذا عن|لكن|ولكن|ثم)",
]);
/** The same where nothing parts the words: at the beginning, or as the particle at the end. */
const CARRIES_ON_UNPARTED =
  /^(?:那么|那(?:在|如果|为什么|怎么|要是)|然后|但是|可是|而且|还有[谁什呢吗别]|じゃあ|じゃ、|では、|でも|それで|それから|あと|他に|ほかに)|呢$|(?:[^何誰]|^)は$/u;

/** Whole prompts that ask on: "why", "who else", "what else", "more", "go on", "again", "for example". */
const ASKS_ON: ReadonlySet<string> = new Set(
  [
    "warum,wieso,weshalb,warum nicht,wie,wie das,wer,wo,wann,was noch,wer noch,wer sonst,wo sonst,was sonst,sonst noch was,sonst noch etwas,mehr,noch mehr,mehr davon,weiter,mach weiter,weitermachen,noch einmal,nochmal,noch eins,genauer,kürzer,länger,einfacher,zum beispiel,ja,nein,wirklich,erklär das,erkläre das",
    "pourquoi,pourquoi pas,comment,comment ça,qui,où,quand,qui d'autre,quoi d'autre,quoi encore,encore,encore un,encore une,plus,continue,continuez,plus court,par exemple,oui,non,vraiment,explique",
    "por qué,porque,por qué no,cómo,quién,quién más,qué más,algo más,más,continúa,sigue,otra vez,otro,otra,cuándo,dónde,por ejemplo,sí,de verdad,más corto",
    "por quê,porquê,por que,por que não,como,quem,quem mais,o que mais,mais,continua,de novo,outra vez,quando,onde,sim,não,por exemplo",
    "perché,perché no,come,chi altro,cos'altro,cosa altro,altro,di più,ancora,vai avanti,dove,sì,per esempio,più corto",
    "waarom,waarom niet,hoe,wie nog,wie nog meer,wat nog,wat nog meer,meer,ga door,verder,nog een keer,nog een,wanneer,waar,nee,bijvoorbeeld,korter",
    "dlaczego,czemu,dlaczego nie,jak,kto,kto jeszcze,co jeszcze,więcej,dalej,kontynuuj,jeszcze raz,kiedy,gdzie,tak,nie,na przykład,krócej",
    "neden,niye,niçin,nasıl,kim,başka,başka kim,başka ne,daha fazla,devam,devam et,tekrar,ne zaman,nerede,evet,hayır,örneğin,daha kısa",
    "почему,зачем,почему нет,как,кто,кто ещё,кто еще,что ещё,что еще,больше,ещё,еще,дальше,продолжай,ещё раз,еще раз,когда,где,да,нет,например,короче",
    "为什么,為什麼,为何,怎么,谁,还有谁,还有吗,还有什么,继续,繼續,更多,再来一个,再说一遍,什么时候,哪里,是的,例如,比如,真的吗",
    "なぜ,なんで,どうして,どうやって,誰,他に,他には,ほかには,他に誰,もっと,続けて,もう一度,いつ,どこ,はい,いいえ,例えば,本当",
    "왜,왜요,어떻게,누구,또 누구,또,더,계속,계속해,다시,언제,어디,네,아니요,예를 들어,정말",
    "لماذا,لم لا,كيف,من,من أيضا,ماذا أيضا,المزيد,أكمل,تابع,مرة أخرى,متى,أين,نعم,لا,مثلا,حقا",
  ].flatMap((list) => list.split(",")),
);

/** Pronouns that need somebody or something named before them, and that hardly any other language has as another word. */
const POINTS: ReadonlySet<string> = new Set(
  (
    "a-t-elle est-elle était-elle sont-ils sont-elles él ellos ellas eso tradúcelo explícalo hazlo resúmelo ele ela eles elas dele dela deles delas " +
    "isso disso lui traducilo spiegalo ona jego onun onu bunu bunun он она они его её ее ему него неё них 그는 그녀는 그녀의 그것은 그건 그게 ذلك"
  ).split(" "),
);
/** Words that are such pronouns behind one of these verbs only. */
const POINTS_BEHIND: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [
    ["er sie", "ist war hat hatte wird heißt macht lebt wohnt starb wurde"],
    ["das es", "erklär erkläre übersetz übersetze"],
    ["hij zij ze dat dit", "is was heeft had kost werkt"],
    ["a-t-il", "âge fait combien où quand pourquoi"],
  ].flatMap(([pronouns = "", verbs = ""]) =>
    pronouns.split(" ").map((pronoun) => [pronoun, new Set(verbs.split(" "))] as const),
  ),
);
const POINTS_UNPARTED = /^[他她它]|[他她它](?:们)?(?:多|是谁|在哪|怎么|什么)|^彼[のはがを女]|それ[はをが]|これ[をが]/u;

/**
 * Returns true for one short question in German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian, Chinese, Japanese,
 * Korean or Arabic that carries on with earlier turns: "und in Spanien?", "¿por qué?", "她多大了？".
 *
 * Goes by short lists of words. Pure, linear.
 */
export function carriesOnElsewhere(text: string): boolean {
  if (text.length > CHARS_MAX) return false;
  const plain = withoutEdges(text.toLowerCase());
  if (ASKS_ON.has(plain.replaceAll("’", "'"))) return true;
  if (UNPARTED.test(plain))
    return plain.length <= UNPARTED_MAX && (CARRIES_ON_UNPARTED.test(plain) || POINTS_UNPARTED.test(plain));
  const words = plain.split(" ", WORDS_MAX + 1);
  if (words.length > WORDS_MAX) return false;
  return (
    words.some((word, at) => POINTS.has(word) || POINTS_BEHIND.get(word)?.has(words[at - 1] ?? "") === true) ||
    CARRIES_ON.test(plain)
  );
}

/** Removes punctuation and spaces around a short text. */
function withoutEdges(text: string): string {
  let [start, end] = [0, text.length];
  while (end > start && EDGE.test(text[end - 1] as string)) end -= 1;
  while (start < end && EDGE.test(text[start] as string)) start += 1;
  return text.slice(start, end);
}

const EDGE = /[\s\p{P}]/u;

function toBeginning(lists: readonly string[]): RegExp {
  return new RegExp(String.raw`^(?:${lists.join("|")})(?![\p{L}\p{M}\p{N}'’-])`, "u");
}
