import { normalise } from "../internal/normalise.ts";

/** Longest prompt that is analysed, in characters. Longer ones carry their subject with them, such as a document. */
export const TIME_BOUND_CHARS_MAX = 4_096;

const oneOf = (...words: readonly string[]): string => `(?:${words.join("|")})`;

/** The present, and days that move with it. Each pattern is tried on lower-case text. */
const NOW = oneOf(
  String.raw`right now`,
  String.raw`at (?:the|this) moment`,
  String.raw`at present`,
  String.raw`as of (?:now|today)`,
  String.raw`today(?:'s)?(?! (?:show|function|method|formula|button|as a)\b)`,
  "tonight",
  "tomorrow",
  "yesterday",
  String.raw`last night`,
  String.raw`(?:this|next|last) (?:week(?:end)?|month|quarter|season)`,
  String.raw`this (?:morning|afternoon|evening|year)`,
  String.raw`so far this`,
);
/** Things of which there is a newest one, or one at a time. */
const CHANGING = oneOf(
  String.raw`(?:stable |lts )?(?:versions?|releases?|builds?)\b(?! control)`,
  "news",
  "headlines",
  String.raw`prices?`,
  String.raw`(?:exchange |interest |mortgage |inflation |unemployment |birth )?rates?`,
  "scores?",
  "standings?",
  "weather",
  String.raw`temperature`,
  "ceo|cfo|cto",
  String.raw`presidents?`,
  String.raw`prime minister`,
  "chancellor|king|queen|pope|mayor|governor|monarch|senators?",
  "(?:world )?champions?",
  String.raw`record holders?`,
  "population",
  String.raw`events`,
  "updates?",
  String.raw`market cap(?:itali[sz]ation)?`,
  String.raw`(?:date|time|day|month|year)`,
  "trends?",
  String.raw`status of`,
  String.raw`(?:iphone|android|macos|ios|ubuntu|windows)`,
);
const NEWEST = String.raw`\b(?:latest|newest|most recent|current|present|recent)(?: \w[\w.+-]*){0,2} ${CHANGING}\b`;
/** Offices and titles that pass from one to the next. */
const OFFICES = oneOf(
  "ceo|cfo|cto|president|prime minister|chancellor|mayor|governor|king|queen|pope|monarch",
  "secretary general|head coach|richest (?:person|man|woman)|world (?:chess |heavyweight )?champion|speaker of the house",
);
const HOLDER = String.raw`\bwho(?:'s| is|s)(?: the)?(?: [\w'&.-]+){0,3} ${OFFICES}\b`;
/** What is traded: its price is that of the hour. */
const TRADED = oneOf(
  "stocks?|shares?|gold|silver|copper|platinum|oil|crude|brent|gas(?:oline)?|petrol|diesel|fuel|natural gas",
  "bitcoin|btc|ethereum|eth|dogecoin|solana|crypto(?:currency)?|s&p 500|nasdaq|dow jones|dax",
);
const CURRENCIES = oneOf("usd|eur|gbp|jpy|chf|cny|inr|dollars?|euros?|pounds?|yen|yuan|rupees?|francs?");
const PRICES = oneOf(
  String.raw`\b${TRADED} (?:prices?|quotes?|value|rate)\b`,
  String.raw`\b(?:price|value|cost) of (?:an? |one )?(?:\w+ of )?${TRADED}\b`,
  String.raw`\b(?:price|value) of [\w&.' -]{1,40} (?:stock|shares?)\b`,
  String.raw`\bhow (?:much )?(?:is|are|did|does) (?:an? |one |the )?(?:\w+ of )?${TRADED}(?: (?:worth|cost|doing|trading|trade at|perform|close))?\b`,
  String.raw`\b(?:stock|share) price of\b`,
  String.raw`\bexchange rate\b`,
  String.raw`\b${CURRENCIES} (?:to|in|into|vs\.?|against) (?:the )?${CURRENCIES}\b`,
);
const WEATHER = oneOf(
  String.raw`\bthe weather\b(?! (?:front|vane|balloon|map|app|api|channel|underground)\b)`,
  String.raw`\bweather (?:forecast |report )?(?:in|for|at|outside)\b`,
  String.raw`^[\w .'-]{2,30} weather(?: forecast)?[?.! ]*$`,
  String.raw`\bforecast for\b`,
  String.raw`\b(?:is|will) it (?:still |be )?(?:rain|snow|sunny|windy|cloudy|cold|hot|warm|freezing)(?:ing|y)?\b`,
  String.raw`\btemperature outside\b`,
);
const CLOCK = oneOf(
  String.raw`\bwhat(?:'s| is|s)? (?:the )?(?:time|date|day)(?: of the week)?(?: is it)?(?: now| there| here| in [a-z .'-]{2,30})?[?.! ]*$`,
  String.raw`\bwhat (?:day|year|month)(?: of the week)? is (?:it|this)\b`,
  String.raw`\b(?:what|which) time is it\b`,
  String.raw`\bhow (?:many days|long|many weeks)(?: are there| is it)?(?: left)? (?:until|till|to go until)\b`,
);
const EVENTS = oneOf(
  String.raw`\b(?:the|any|breaking|top|some) (?:\w+ )?(?:news|headlines)\b(?! (?:anchor|agency|channel|paper|outlets?)\b)`,
  String.raw`\bwhat(?:'s| is) (?:the )?(?:score|trending)\b(?! of (?:music|an?)\b)`,
  String.raw`\bwho(?:'s| is) (?:winning|leading|playing)\b`,
  String.raw`^(?:is|are) [\w .'-]{1,30} (?:down|offline|having (?:an )?outage)[?.! ]*$`,
  String.raw`\bis the (?:\w+ )?(?:market|store|shop|bank|museum|restaurant|exchange) (?:still )?open\b`,
  String.raw`\bwhen(?:'s| is) the next (?:[\w'-]+ ){0,3}(?:bus|train|flight|game|match|race|election|eclipse|episode|launch|concert|full moon)\b`,
  String.raw`\bhappening in the world\b`,
);
const CURRENTLY = String.raw`\b(?:who|what|which|where|how (?:many|much)|is|are)\b.{0,60}\bcurrently\b|\bcurrently\b.{0,60}\b(?:ceo|president|price|version|open)\b`;

/** The same in other languages: the present, the newest, the clock, the weather, prices and news. */
const OTHERS = oneOf(
  // German, Dutch
  "heute|gestern|derzeit|momentan|zurzeit|zur zeit|gerade eben|heute abend|diese woche|dieses jahr|wie spät ist es|wie viel uhr",
  String.raw`(?:aktuelle[rnsm]?|neueste[rnsm]?|letzte) (?:[\p{L}-]+ )?\p{L}{0,20}(?:version|stand|preis|kurs|nachrichten|wetter|präsident(?:in)?|kanzler(?:in)?|chef|ergebnis|spielstand|uhrzeit|datum)`,
  "aktienkurs|wechselkurs|wetterbericht|das wetter|wetter in|wetter morgen|wie ist der aktuelle|goldpreis|benzinpreis|bitcoinkurs",
  "vandaag|gisteren|momenteel|deze week|hoe laat is het|het weer in|nieuwste versie|wisselkoers|huidige (?:president|premier|prijs|koers|versie|weer)",
  // French
  "aujourd'hui|en ce moment|actuellement|cette semaine|ce soir|quelle heure est-il|quel temps fait-il|la météo|météo à|dernière version|taux de change",
  String.raw`(?:cours|prix) (?:actuel|de l'action|du bitcoin|de l'or|du pétrole|de l'essence)|(?:président|premier ministre|pdg|roi|pape|prix|taux|version) actuel(?:le)?|dernières (?:nouvelles|actualités)|l'actualité`,
  // Spanish, Portuguese
  "hoy|ahora mismo|actualmente|en este momento|esta semana|esta noche|qué hora es|qué tiempo hace|el clima en|última versión|tipo de cambio|noticias",
  String.raw`(?:presidente|primer ministro|rey|papa|precio|versión|valor) actual|(?:precio|valor) (?:de la acción|de las acciones|del bitcoin|del oro|del petróleo|del dólar)`,
  "hoje|neste momento|atualmente|que horas são|previsão do tempo|o tempo em|última versão|cotação|notícias",
  String.raw`(?:presidente|primeiro-ministro|rei|preço|versão) atual|preço (?:do bitcoin|do ouro|da gasolina|das ações)`,
  // Italian
  "oggi|adesso|in questo momento|attualmente|questa settimana|stasera|che ore sono|che tempo fa|il meteo|meteo a|ultima versione|tasso di cambio|ultime notizie",
  String.raw`(?:presidente|primo ministro|papa|prezzo|versione) attuale|attuale (?:presidente|primo ministro|papa|prezzo|versione)|prezzo (?:del bitcoin|dell'oro|della benzina|delle azioni)`,
);
/** The same words where scripts have no spaces between words, or other letters. */
const SCRIPTS =
  /今日|今何時|現在の|最新|天気|株価|今天|现在|目前|天气|股价|汇率|今年的|오늘|지금|현재|최신|날씨|주가|환율|сегодня|сейчас|последн(?:яя|юю) верси|новости|погода|курс (?:доллара|евро|валют|биткоина)|който час|который час|اليوم|الآن|الطقس/u;

/** What is asked about a subject that stays: how it is done, written, meant or once was. */
const LASTING: readonly RegExp[] = [
  String.raw`\bhow (?:do|can|could|should|would|might) (?:i|we|you|one|people)\b`,
  String.raw`\bhow to\b`,
  String.raw`\bhow (?:does|do|is|are) .{1,60}\b(?:work|calculated|determined|made|formed|measured|elected|chosen|computed|set|published)\b`,
  String.raw`\b(?:translate|rewrite|paraphrase|proofread|rephrase|conjugate|define|spell)\b|\bcorrect (?:the|this)\b`,
  String.raw`\b(?:definition|meaning|etymology|synonyms?|opposite|plural|grammar|pronunciation|history|origins?|lyrics) of\b|\bmean by\b|\bmean(?:s|ing)?[?.! ]*$`,
  String.raw`\b(?:function|script|regex|code|snippet|method|class|variable|algorithm|api|endpoint|sql|query|html|css|json|formula|macro|cron|dataframe|timestamp|datetime|component|prompt)\b`,
  String.raw`\b(?:in|with|using|for|en|em|mit|avec|con|com) (?:python|javascript|typescript|java|c\+\+|c#|rust|golang|go|sql|mysql|postgres(?:ql)?|excel|php|ruby|bash|shell|powershell|kotlin|swift|react|vue|django|node(?:\.js)?|linux|r|pandas|google sheets|git)\b(?!\.)`,
  String.raw`\b(?:write|compose|make up) (?:me )?(?:an? |the )?(?:\w+ ){0,2}(?:poem|story|haiku|song|essay|joke|novel|speech|sentence|letter|e-?mail)\b`,
  String.raw`\b(?:amperes?|amps?|circuit|resistor|ohms?|voltage|alternating|direct current|ocean currents?)\b`,
  // The prompt brings what is asked about.
  String.raw`\b(?:using|from|based on|given|in) (?:only )?(?:the|this) (?:following|context|text|document|passage|article|paragraph)\b|\bcontext:`,
  String.raw`\b(?:difference|relation(?:ship)?) between\b`,
  String.raw`\bwhat (?:is|are|does) an?\b|\bwhat (?:causes|affects|influences|drives|determines)\b`,
  String.raw`^why (?:do|does)\b|\bexplain\b`,
  String.raw`\b(?:first|second|third|fourth|youngest|oldest|former|previous|greatest|longest[- ]serving|\d+(?:st|nd|rd|th)) ${OFFICES}`,
  // A year, or a month of the year, that is over or comes again.
  String.raw`\b(?:in|of|during|since|between|before|after|around) (?:the )?(?:1\d{3}|20[01]\d|202[0-4])s?\b`,
  String.raw`\bin (?:january|february|march|april|may|june|july|august|september|october|november|december|winter|summer|spring|autumn|fall|general)\b`,
  String.raw`\b(?:people|societ(?:y|ies)|world|life|used|relevant|matters?|important) today\b|\btoday's (?:society|world|youth|date (?:function|formula|method|in))\b`,
  String.raw`(?<!\p{L})(?:wie (?:kann|bekomme|funktioniert|schreibe)|übersetze|comment (?:faire|obtenir|puis-je|fonctionne)|tradui(?:s|re|sez)|cómo (?:puedo|obtener|funciona|se)|traduc(?:e|ir)|come (?:posso|si|funziona|ottenere)|traduci|como (?:posso|obter|funciona)|traduz(?:a|ir)?|hoe (?:kan|krijg|werkt)|vertaal|как (?:получить|сделать|узнать|написать))(?!\p{L})`,
  "如何|怎么(?!样)|怎样才|翻译|どうやって|方法|翻訳|어떻게|번역",
].map((pattern) => new RegExp(pattern, "u"));

/** In three expressions: to compile one of all of them would hold the event loop for 70 ms. */
const BOUND: readonly RegExp[] = [
  oneOf(String.raw`\b${NOW}\b`, HOLDER, WEATHER, CLOCK, EVENTS, CURRENTLY),
  NEWEST,
  PRICES,
].map((pattern) => new RegExp(pattern));
const BOUND_ELSEWHERE = new RegExp(String.raw`(?<![\p{L}\p{N}])${OTHERS}(?![\p{L}\p{N}])`, "u");

/** All that may be tried on a prompt, each of which is compiled at its first use. */
export const TIME_BOUND_PATTERNS: readonly RegExp[] = [...BOUND, BOUND_ELSEWHERE, SCRIPTS, ...LASTING];

/**
 * Returns true if the answer to a prompt soon changes, so that a stored one is served for a short time only: the weather, a price, the news,
 * the time, who holds an office, the newest version, and what happens today.
 *
 * It goes by lists of words, for English and, with fewer words, for German, Dutch, French, Spanish, Portuguese, Italian, Russian, Chinese,
 * Japanese and Korean. A prompt about a subject that stays is none of these, whatever words it has: "how to get the current time in Python".
 * Prompts over {@link TIME_BOUND_CHARS_MAX} characters are none. Pure and linear.
 */
export function isTimeBound(prompt: string): boolean {
  if (prompt.length > TIME_BOUND_CHARS_MAX) return false;
  const text = normalise(prompt, "NFKC")
    .toLowerCase()
    .replaceAll(/[\u2018\u2019\u02BC\u0060\u00B4]/g, "'")
    .replaceAll(/\s+/g, " ")
    .trim();
  const isIn = (pattern: RegExp) => pattern.test(text);
  const isBound = BOUND.some(isIn) || BOUND_ELSEWHERE.test(text) || SCRIPTS.test(text);
  return isBound && !LASTING.some(isIn);
}
