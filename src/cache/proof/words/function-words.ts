/** Words that say nothing by themselves: articles, existential "there", relative pronouns, auxiliaries without tense. */
export const EMPTY: ReadonlySet<string> = words(
  "a an the there that which whom whose be been being actually basically simply then exactly precisely literally",
);

export type Tense = "past" | "present" | "future";
/** Finite auxiliaries by tense. */
export const TENSES: ReadonlyMap<string, Tense> = new Map<string, Tense>([
  ...["is", "are", "am", "do", "does", "has", "have"].map((word) => [word, "present"] as const),
  ...["was", "were", "did", "had"].map((word) => [word, "past"] as const),
  ...["will", "shall"].map((word) => [word, "future"] as const),
]);

export type Modality = "can" | "should" | "must" | "would" | "optional";
/** Modals by meaning: possibility, advice, obligation. */
export const MODALS: ReadonlyMap<string, Modality> = new Map<string, Modality>([
  ...["can", "could", "may", "might", "able"].map((word) => [word, "can"] as const),
  ...["should", "ought"].map((word) => [word, "should"] as const),
  ...["must"].map((word) => [word, "must"] as const),
  ["would", "would"],
]);

/** Words that deny. "Unable" and "without" deny too; each is bound to the content word behind it. */
export const NEGATIONS: ReadonlySet<string> = words(
  "not no never without cannot none neither nor except excluding unable nobody nothing nowhere hardly lack lacking",
);

/** Quantifiers and adverbs of degree, by class: two prompts have the same ones before the same words. */
export const QUANTIFIERS: ReadonlyMap<string, string> = new Map([
  ...["all", "every", "each"].map((word) => [word, "all"] as const),
  ...["some", "any"].map((word) => [word, "some"] as const),
  ...["many", "several", "numerous", "multiple"].map((word) => [word, "many"] as const),
  ...["few", "fewer"].map((word) => [word, "few"] as const),
  ...["only", "solely", "exclusively", "alone"].map((word) => [word, "only"] as const),
  ...["other", "else", "another", "others"].map((word) => [word, "other"] as const),
  ...["also", "too", "additionally"].map((word) => [word, "also"] as const),
  ...["very", "extremely", "highly", "incredibly"].map((word) => [word, "very"] as const),
  ["just", "just"],
  ["both", "both"],
  ["still", "still"],
  ["yet", "yet"],
  ["already", "already"],
  ["again", "again"],
  ["even", "even"],
  ["ever", "ever"],
  ["always", "always"],
  ["sometimes", "sometimes"],
  ["either", "either"],
  ["enough", "enough"],
  ["most", "most"],
  ["least", "least"],
  ["half", "half"],
]);
/** Adverbs that only stress. */
export const STRESS: ReadonlySet<string> = words("really quite so truly practically");

/** Persons: the first, the second, and third ones each by itself. */
export const PERSONS: ReadonlyMap<string, string> = new Map([
  ...["i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves"].map((word) => [word, "1"] as const),
  ...["you", "your", "yours", "yourself", "u", "ur"].map((word) => [word, "2"] as const),
  ...["he", "him", "his", "himself"].map((word) => [word, "he"] as const),
  ...["she", "her", "hers", "herself"].map((word) => [word, "she"] as const),
  ...["they", "them", "their", "theirs", "themselves"].map((word) => [word, "they"] as const),
  ...["it", "its", "itself"].map((word) => [word, "it"] as const),
  ...["this", "these"].map((word) => [word, "this"] as const),
  ...["those"].map((word) => [word, "those"] as const),
  ["one", "one"],
]);

/** Prepositions: each begins a phrase, and binds it. */
export const PREPOSITIONS: ReadonlySet<string> = words(
  "of in on at to from for with by about into onto through via between among amongst against over under above below before after during since until till within around near across along towards toward " +
    "per as than like off out up down behind beside besides beyond inside outside throughout upon instead_of because_of due_to in_order_to according_to unlike despite plus minus versus vs next_to close_to",
);
/** Prepositions that are one. */
export const SAME_PREPOSITION: ReadonlyMap<string, string> = new Map([
  ["into", "to"],
  ["onto", "on"],
  ["upon", "on"],
  ["inside", "in"],
  ["within", "in"],
  ["till", "until"],
  ["amongst", "between"],
  ["among", "between"],
  ["towards", "to"],
  ["toward", "to"],
  ["regarding", "about"],
  ["concerning", "about"],
  ["using", "with"],
  ["via", "through"],
  ["versus", "vs"],
  ["beneath", "under"],
  ["close_to", "near"],
  ["next_to", "near"],
  ["nearby", "near"],
  ["near_to", "near"],
]);

/** Conjunctions by class. */
export const CONJUNCTIONS: ReadonlyMap<string, string> = new Map([
  ["and", "and"],
  ["or", "or"],
  ["but", "but"],
  ["if", "if"],
  ["whether", "if"],
  ["unless", "unless"],
  ["because", "because"],
  ["while", "while"],
  ["whereas", "while"],
  ["although", "although"],
  ["though", "although"],
  ["when", "when"],
  ["whenever", "when"],
  ["where", "where"],
  ["wherever", "where"],
  ["why", "why"],
  ["how", "how"],
  ["who", "who"],
  ["what", "what"],
]);

/** Words that are never content. */
export const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  [
    EMPTY,
    STRESS,
    TENSES,
    MODALS,
    NEGATIONS,
    QUANTIFIERS,
    PERSONS,
    PREPOSITIONS,
    CONJUNCTIONS,
    SAME_PREPOSITION,
  ].flatMap((list) => [...list.keys()]),
);

/** Words for a place that a question for it has anyway. */
export const WHERE: ReadonlySet<string> = words("locate located situated exist lie");
/** Words for the present. */
export const PRESENT: ReadonlySet<string> = words("currently presently now current nowadays");
/** Adverbs of what is usual. */
export const HABITS: ReadonlySet<string> = words("typically usually generally normally commonly");
/** Words that only one side may have in some places, because they place or classify something that is there anyway. */
export const SOFT: ReadonlySet<string> = new Set([
  ...WHERE,
  ...PRESENT,
  ...HABITS,
  "different",
  "various",
  "available",
]);
/** Frequent words that say little: at `balanced` one of them may stand on one side alone. */
export const LIGHT: ReadonlySet<string> = words(
  "provide include support set section part case thing create handle work use make get take do give run visit find see look specific certain given exact related own example detail info information considered known consider contain help involve represent meaning definition tutorial explanation discussion topic list search know tell something thing guide post thread " +
    "utilize perform discuss overview advice set_up introduction explain good huge famous notable particular",
);
/** Plurals that say little where their singular does not. */
export const LIGHT_PLURALS: ReadonlySet<string> = words("tips basics resources");
/** Words of esteem: at `balanced` one of them in a long question may stand alone. */
export const ESTEEM: ReadonlySet<string> = words(
  "leading major important significant prominent popular renowned pretty great whole",
);
/** Nouns that class the name beside them: "the course EECS 281", "the Ohio river". At `balanced` they may stand alone. */
export const CLASSES: ReadonlySet<string> = words(
  "mount status city town state country county province region river lake island mountain street airport university company firm team band book novel movie film song album language library framework tool package database server editor command function method program app application website site page product brand class course lecture term month year day paper article word phrase error code model version game number flight airline",
);
/** Verbs that the preposition after them already implies: "held in", "published by". */
export const SOFT_BEFORE_PREPOSITION: ReadonlySet<string> = words("publish hold write use present give offer serve");

/** Verbs that "from" or "to" already imply: "flights that go to Boston". */
export const SOFT_BEFORE_WAY: ReadonlySet<string> = words("go travel head run operate fly depart leave come");

/** Things that go from one place to another. */
export const TRANSPORT: ReadonlySet<string> = words(
  "flight fly plane airplane airline train bus ferry boat ship fare ticket jet",
);

/** Common function words of other languages that are no English words. */
export const FOREIGN: ReadonlySet<string> = words(
  "der das und nicht ist ein eine einen einem einer mit auf für von zu den dem des wie wird auch sich bei aus nach über wenn oder aber haben sind " +
    "le la les des une et est dans que qui pour sur avec pas plus ce cette son sont au aux du ne vous nous je il elle comment quel quelle " +
    "el los las una y que en por con para como del se lo su es un está cómo qué cuál muy pero más hombre " +
    "di che il per con della nel sono gli una quanto dove non questo alla " +
    "de het een van niet zijn op met voor aan er dat hoe wat " +
    "um uma não os da do dos em no na com mais como onde " +
    "nie jest w na się do z że jak i po co dla kobieta " +
    "bir ve bu için ile hangi nasıl nedir mi ne en kaç olan var " +
    "och att det som är på av inte till ett og ikke hva hvor",
);
/** Of the words above, those that are also English or common names: they say nothing about the language. */
export const ALSO_ENGLISH: ReadonlySet<string> = words(
  "do i no in on an as so me he be us at a is das die to of la los las san el de en es se per non plus pour sur son ex van et al co z y w po na due ne il di um der le comment var en out dans com les des lo mi due op u bin da",
);

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}
