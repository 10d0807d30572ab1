/** Form of a question or sentence. */
export type Form =
  | "list"
  /** A list that is asked for by "show" or "list", and how one is shown. */
  | "show"
  | "display"
  | "explain"
  | "how"
  | "many"
  | "much"
  | "often"
  | "who"
  | "when"
  | "where"
  | "why"
  | "exists"
  | "yesno"
  | "write"
  | "want"
  | "statement"
  | "keywords";

/** Rule that recognises a form by the first and last words of a sentence. */
export interface Rule {
  /** First words of the sentence, which are removed. */
  readonly head: RegExp;
  /** Last words of the sentence. */
  readonly tail?: RegExp;
  readonly form: Form;
  /** Words that take the place of the head. */
  readonly as?: string;
  /** Words after the end. */
  readonly after?: string;
}

const ME = "(?: (?:me|us))?(?: please)?";
const ANY = "(?: (?:all|any|some|the|a|an|every|each|of|only|full|complete))*";
/** "a list of", "information about". */
const OF_THINGS = "(?: (?:the )?(?:names? of|list of|lists of|list|listing of|number of the))?";
const PERSON = "(?:i|you|we|one|u|someone|somebody|people|a person|they)";
const WAY =
  "(?:ways?|methods?|steps?|process|procedures?|techniques?|approach|approaches|instructions?|trick|tricks|tips|directions|commands?|guides?|tutorials?)";
const QUALITY =
  "(?:best|easiest|simplest|right|correct|proper|good|some|various|different|possible|main|common|exact|recommended|effective)";
const BE = "(?:is|are|was|were)";

/** Nouns for persons who did something once, with the verb. Leaders, owners and directors are excluded, because they may change. */
const DOERS = [
  ["inventor", "invent"],
  ["founder", "found"],
  ["composer", "compose"],
  ["winner", "win"],
  ["creator", "create"],
  ["discoverer", "discover"],
  ["designer", "design"],
  ["painter", "paint"],
  ["translator", "translate"],
] as const;

/** The first rule that fits counts. */
export const RULES: readonly Rule[] = [
  // Measures: the question word becomes the noun that it asks for.
  {
    head: /^(?:how many) (?:people|inhabitants|residents|citizens|persons)(?: (?:live|lives|reside|dwell|are living|are there|are|do|does|there|living|that))*(?= (?:in|inhabit))/,
    form: "list",
    as: "population of",
  },
  {
    head: /^how many (?:people|inhabitants|residents|citizens) (?:does|do)(?= )/,
    tail: / (?:have|has)$/,
    form: "list",
    as: "population of",
  },
  {
    head: new RegExp(
      `^(?:what ${BE} |tell me |give me |show me |find )?(?:the )?(?:total )?(?:number|count) of(?: (?:the|all))?(?= )`,
    ),
    form: "many",
  },
  { head: /^how many(?: of the)?(?= )/, form: "many" },
  { head: /^count(?: (?:the|all|number|of))*(?= )/, form: "many" },
  { head: /^how (?:tall|high) (?:is|are|was|were)(?= )/, form: "list", as: "height of" },
  { head: /^how long (?:is|are|was|were)(?= )/, form: "list", as: "length of" },
  { head: /^how (?:big|large) (?:is|are|was|were)(?= )/, form: "list", as: "size of" },
  { head: /^how deep (?:is|are)(?= )/, form: "list", as: "depth of" },
  { head: /^how wide (?:is|are)(?= )/, form: "list", as: "width of" },
  { head: /^how fast (?:is|are)(?= )/, form: "list", as: "speed of" },
  { head: /^how heavy (?:is|are)(?= )/, form: "list", as: "weight of" },
  { head: /^how old (?:is|are)(?= )/, form: "list", as: "age of" },
  { head: /^how (?:hot|cold) (?:is|are)(?= )/, form: "list", as: "temperature of" },
  { head: /^how far (?:is|away is)(?: it)?(?: from)?(?= )/, form: "list", as: "distance from" },
  {
    head: /^how much (?:is|are|does|do|did|would|will)(?: (?:it|you|they))?(?= )/,
    tail: / (?:cost|charge|costs)$/,
    form: "list",
    as: "price of",
  },
  { head: /^how much (?:does|do|did|would|will) it cost(?: (?:me|to|for))?(?= )/, form: "list", as: "price of" },
  { head: /^how much (?:is|are)(?: it)?(?: (?:to|for))?(?= )/, form: "list", as: "price of" },
  { head: /^what (?:does|do|would|will)(?= )/, tail: / cost$/, form: "list", as: "price of" },
  { head: /^(?:what is |tell me |give me )?(?:the )?(?:cost|price) of(?= )/, form: "list", as: "price of" },
  { head: /^how much(?= )/, form: "much" },
  { head: /^how often(?= )/, form: "often" },
  { head: /^how frequently(?= )/, form: "often" },
  {
    head: /^how long (?:does|do|did|will|would)(?: it)? (?:take|last)(?: (?:for|to))?(?= )/,
    form: "list",
    as: "duration of",
  },
  {
    head: /^how long (?:does|do|did|will|would)(?: it)?(?= )/,
    tail: / (?:take|last)$/,
    form: "list",
    as: "duration of",
  },
  {
    head: /^how (?:much time|many (?:minutes|hours|days|weeks|months|years)) (?:does|do|did|will|would) it take(?: (?:for|to))?(?= )/,
    form: "list",
    as: "duration of",
  },
  // "How long after" a thing asks when, and "how long before" asks for a lead time.
  { head: /^how (?:long|soon)(?= (?:after|before|until|till|since)\b)/, form: "when" },
  { head: /^how long(?: (?:must|should|can) (?:i|you|we))?(?= )/, form: "list", as: "duration" },
  // Differences.
  {
    head: /^(?:(?:what|which|how) (?:is|are|would be) |explain |describe |tell me |give me |show me |list )?(?:the )?(?:main |major |key )?(?:differences?|distinctions?) (?:between|of|among)(?= )/,
    form: "list",
    as: "difference between",
  },
  { head: /^(?:convert|change|turn)(?= \d)/, form: "keywords" },
  { head: /^how (?:is|are)(?= )/, tail: / different$/, form: "list", as: "difference between" },
  { head: /^how (?:do|does|did)(?= )/, tail: / differ$/, form: "list", as: "difference between" },
  {
    head: /^(?:what distinguishes|distinguish|differentiate)(?: between)?(?= )/,
    form: "list",
    as: "difference between",
  },
  // Meanings.
  {
    head: /^what (?:does|do|did)(?: the)?(?: (?:word|term|phrase|acronym|abbreviation))?(?= )/,
    tail: / (?:mean|stand for|refer to|signify)$/,
    form: "explain",
  },
  {
    head: /^(?:what is meant by|(?:what is |give me |tell me )?(?:the )?(?:definition|meaning) (?:of|for))(?: the)?(?: (?:word|term|phrase))?(?= )/,
    form: "explain",
  },
  {
    head: /^(?:define|explain|describe|elaborate on|clarify|discuss)(?: (?:to )?(?:me|us))?(?: (?:the )?(?:term|word|concept of|idea of|meaning of))?(?= )/,
    form: "explain",
  },
  {
    head: /^(?:give me |provide |show me |find |get |i (?:want|must|need|would like)(?: to (?:have|get|see))? |need )?(?:a |an |the |some |any |more )*(?:information|details?|explanation|overview|description|facts|data)(?: (?:about|on|of|for|regarding))(?= )/,
    form: "explain",
  },
  { head: /^(?:tell|teach)(?: me| us)?(?: (?:more|something))? about(?= )/, form: "explain" },
  { head: /^(?:what can you tell me about|what do you know about|who or what is)(?= )/, form: "explain" },
  { head: /^/, tail: / (?:definition|meaning|explained|explanation)$/, form: "explain" },
  { head: /^/, tail: / (?:tips|steps|instructions|tutorial|guide|how to|howto)$/, form: "how" },
  { head: /^/, tail: / (?:recommendations?|suggestions?)$/, form: "list" },
  // Ways.
  {
    head: new RegExp(
      `^(?:how (?:to|do ${PERSON}|does ${PERSON}|can ${PERSON}|could ${PERSON}|should ${PERSON}|would ${PERSON}|might ${PERSON}|must ${PERSON}|did ${PERSON}|will ${PERSON}|am i able to)(?: (?:go about|get to|start to|proceed to|best))?)(?= )`,
    ),
    form: "how",
  },
  {
    head: new RegExp(
      `^(?:what|which) ${BE} (?:(?:the|some|a|your|my) )*(?:${QUALITY} )*${WAY} (?:to|for|of|in which ${PERSON} can|that ${PERSON} can|${PERSON} can|by which)(?: (?:me|you|us|someone) to)?(?= )`,
    ),
    form: "how",
  },
  {
    head: new RegExp(
      `^(?:(?:give|show|tell|provide|list|suggest|find|teach)${ME} )?(?:(?:the|some|a|a few|any) )*(?:${QUALITY} )*${WAY} (?:to|for|of|on how to)(?= )`,
    ),
    form: "how",
  },
  {
    head: new RegExp(
      `^(?:is there|are there|do you have|do you know|know)(?: (?:a|an|any|some))?(?: ${QUALITY})* ${WAY} (?:to|for ${PERSON} to|that i can|i can)(?= )`,
    ),
    form: "how",
  },
  {
    head: new RegExp(
      `^what (?:do|should|can|must|would|will|am|are) (?:${PERSON}|i)(?: supposed to| going to| required to| able to)?(?: (?:must|should|can))?(?: do)? (?:to|in order to)(?= )`,
    ),
    form: "how",
  },
  { head: new RegExp(`^what (?:must|should|can) ${PERSON} do to(?= )`), form: "how" },
  // The rest of "I was wondering how I can …".
  { head: /^how (?:i|we|one|someone) (?:can|could|should|might|would|may)(?: (?:go about|best))?(?= )/, form: "how" },
  { head: /^what time is it(?: (?:now|currently|right now))?(?= in )/, form: "list", as: "time" },
  { head: /^what (?:does it take|is required|is needed|is involved in order|is necessary) to(?= )/, form: "how" },
  {
    head: /^(?:show|tell|teach|explain|guide|walk)(?: (?:to )?(?:me|us))?(?: through)? how(?: to| i can| i could| i should| can i| do i| you can)?(?= )/,
    form: "how",
  },
  {
    head: /^(?:can|could|would|will) (?:you|someone|anyone)(?: please)? help(?: me| us)?(?: (?:to|with|in))?(?= )/,
    form: "how",
  },
  { head: /^(?:please )?help(?: me| us)(?: (?:to|with|in|out with))?(?= )/, form: "how" },
  {
    head: /^i (?:must|need|want|would like|require|could use|am looking for|would appreciate)(?: to)?(?: (?:get|have|some|your|any))* (?:help|assistance|guidance)(?: (?:with|in|on|to))?(?= )/,
    form: "how",
  },
  { head: /^where (?:can|do|should|must|could|would) i (?:go|turn) to(?= )/, form: "how" },
  { head: /^i (?:am|was) (?:trying|looking|attempting|hoping|wanting) (?:to|at)(?= )/, form: "want" },
  {
    head: /^what (?:should|do|can|must|shall|would|could|am) (?:i|you|we|one)(?: supposed to| going to)? do(?: now)?(?: [,])?(?: (?:if|when|in case|after|about|since|because|for|with))?(?= )/,
    form: "statement",
  },
  { head: /^what (?:happens|will happen|would happen|to do)(?: [,])? (?:if|when|in case)(?= )/, form: "statement" },
  { head: /^how (?:come|is it that)(?= )/, form: "why" },
  { head: /^what (?:do|does|did)(?= )/, tail: / causes?$/, form: "list", as: "effect of" },
  // What an act does is its effect: "what does deleting my data do".
  { head: /^what (?:do|does|did|will|would)(?= \w+ing )/, tail: / do$/, form: "list", as: "effect of" },
  { head: /^what (?:causes|caused)(?= )/, form: "list", as: "cause of" },
  { head: /^what (?:is|are|was|were)(?= )/, tail: / caused by$/, form: "list", as: "cause of" },
  {
    head: /^(?:why|for what reason|what is the reason|what are the reasons|what is the cause|what (?:causes|caused) it)(?: (?:is it|it is|is) that| that| why| for| behind)?(?= )/,
    form: "why",
  },
  // Places, times, persons.
  {
    head: new RegExp(`^(?:in|at|on|from)? ?(?:what|which) (?:place|location|places)(?= (?:can|is|are|do|does|did))`),
    form: "where",
  },
  { head: /^(?:what is |tell me |give me )?(?:the )?(?:location|whereabouts|address) of(?= )/, form: "where" },
  {
    head: new RegExp(
      `^where(?: (?:can|do|could|should|might|would|must|will|may) ${PERSON})?(?: (?:find|locate))(?= )`,
    ),
    form: "where",
  },
  { head: /^where to find(?= )/, form: "where" },
  { head: /^where(?: exactly)?(?= )/, tail: / (?:located|situated|found|be found|be located|at)$/, form: "where" },
  { head: /^where(?: exactly)?(?= )/, form: "where" },
  {
    head: /^(?:at |on |in )?(?:what|which) (?:time|date|day and time|point in time)(?: of day| of the day)?(?= )/,
    form: "when",
  },
  { head: /^when(?: exactly)?(?= )/, form: "when" },
  {
    head: new RegExp(
      `^(?:who|whom) (?:is|was|are|were) (?:the )?(?:person|people|one|ones|man|woman)(?: (?:who|that|which))(?= )`,
    ),
    form: "who",
  },
  { head: /^by (?:who|whom)(?= (?:is|are|was|were)\b)/, form: "who", after: "by" },
  { head: /^who (?:is|are|was|were) (?:the )?(?:authors?|writers?) of(?= )/, form: "who", as: "write" },
  {
    head: /^who (?:is|are|was|were) (?:the )?(?:professors?|instructors?|teachers?|lecturers?) (?:of|for)(?= )/,
    form: "who",
    as: "teach",
  },
  ...DOERS.map(([doer, act]) => ({
    head: new RegExp(`^who (?:is|are|was|were) (?:the )?${doer}s? of(?= )`),
    form: "who" as const,
    as: act,
  })),
  // "Which city is the capital of Kenya" asks what it is.
  {
    head: /^(?:what|which) (?:city|town|country|state|place|company|person|one) (?:is|was) the(?= \w+ of )/,
    form: "list",
  },
  // "Who is the holder of an office" is a list of one.
  { head: /^who (?:is|was|are|were) the(?= \w+ of )/, form: "list" },
  { head: /^(?:who|whom)(?= )/, form: "who" },
  { head: /^(?:what|which) (?:person|people|individuals?)(?= )/, form: "who" },
  {
    head: /^(?:what|which) (?:professors?|instructors?|teachers?|lecturers?|authors?|writers?|artists?|painters?|scientists?|inventors?|composers?)(?= (?:teach|is teaching|taught|wrote|has written|painted|invented|discovered|composed|created|made|offers?|gives?)\w*\b)/,
    form: "who",
  },
  {
    head: /^(?:what (?:is|are|was|were)|tell me|give me) (?:the )?names? of (?:the )?(?:person|people|professors?|instructors?|teachers?|authors?|artists?|man|woman) (?:who|that)(?= )/,
    form: "who",
  },
  // Lists, also of one thing.
  { head: /^what constitutes?(?= )/, form: "list" },
  { head: /^(?:what|which|how) about(?= )/, form: "keywords" },
  { head: new RegExp(`^(?:are|is) there${ANY}(?= )`), form: "exists" },
  { head: new RegExp(`^(?:do|does) (?:you(?: guys)?|we|anyone) (?:have|offer|got)${ANY}(?= )`), form: "exists" },
  { head: /^(?:what|which) ${BE} (?:the )?names? of(?= )/, form: "list" },
  { head: /^(?:what|which) (?:is|are|was|were) (?:the )?(?:names?|list) of(?: (?:the|all|a))*(?= )/, form: "list" },
  {
    head: /^(?:what|which|what all|whats) (?:are|were)(?: (?:the|some|all|all the|some of the|those|of the|available|possible|other-some))*(?: (?:names of))?(?= )/,
    form: "list",
  },
  {
    head: /^(?:what|which|what all|whats)(?: (?:is|are|was|were))?(?: (?:the|some|all|all the|some of the|those|of the|a|an|other-some))*(?: (?:names of))?(?= )/,
    form: "list",
  },
  {
    head: new RegExp(
      `^(?:show|list|display|view|print|see)(?: (?:me|us|out|to me))*(?: please)?${ANY}${OF_THINGS}${ANY}(?= )`,
    ),
    form: "show",
  },
  {
    head: new RegExp(
      `^(?:give|name|find|provide|get|tell|bring|return|retrieve|enumerate|fetch|suggest|recommend|see|view|print|pull_up|search)(?: (?:me|us|out|up|to me))*(?: please)?${ANY}${OF_THINGS}${ANY}(?= (?!(?:me |us )?to ))`,
    ),
    form: "list",
  },
  {
    head: new RegExp(
      `^(?:i|we) (?:must|need|want|would like|am looking|would love|require|am searching|am interested|want please|would prefer|like|could use|find)(?: (?:find|to see|to have|to get|to find|to view|see|find|get|have|in|for|at))*${ANY}${OF_THINGS}${ANY}(?= (?!to ))`,
    ),
    form: "want",
  },
  {
    head: /^(?:i|we) (?:must|want|would like|would love|wish|am hoping|plan|am going|am planning|intend|like|would prefer|need)(?: to)?(?= )/,
    form: "want",
  },
  { head: /^(?:write|compose|draft|generate|produce|craft)(?: (?:me|us))?(?= )/, form: "write" },
  // Yes or no.
  { head: /^(?:if|whether)(?= )/, form: "yesno" },
  {
    head: /^is it (?:possible|ok|okay|allowed|permitted|permissible|fine)(?: for (?:me|us|you))?(?: to| if i)(?= )/,
    form: "yesno",
    as: "can",
  },
  {
    head: /^(?:is|are|am|was|were|do|does|did|can|could|will|would|should|shall|may|might|must|has|have|had)(?= )/,
    form: "yesno",
  },
];
