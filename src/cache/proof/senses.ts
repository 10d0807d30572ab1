import type { Clause, Item } from "./clause.ts";

/**
 * Whether two synonyms are no partners in their place: a modifier of a noun, which names a kind with it ("coach driver"), a term of a
 * technical question ("create a class in Java"), or a word whose neighbours decide for another sense ("open an issue"). Symmetric.
 */
export function isOfOtherSense(a: Clause, i: number, b: Clause, j: number): boolean {
  const [one, other] = [(a.items[i] as Item).entry.lemma, (b.items[j] as Item).entry.lemma];
  if ((TERMS.has(one) || TERMS.has(other)) && (isTechnical(a) || isTechnical(b))) return true;
  const [first, second] = one < other ? [one, other] : [other, one];
  const key = `${first} ${second}`;
  const elsewhere = NEVER_BESIDE.get(key);
  if (elsewhere !== undefined && (isBeside(a, elsewhere) || isBeside(b, elsewhere))) return true;
  if (NEVER_FOR.has(key) && (hasMark(a, "for") || hasMark(b, "for"))) return true;
  return ONLY_TO.has(key) && !(hasMark(a, "to") && hasMark(b, "to"));
}

function isBeside({ items }: Clause, words: ReadonlySet<string>): boolean {
  return items.some(({ entry }) => words.has(entry.lemma));
}

function hasMark({ items }: Clause, wanted: string): boolean {
  return items.some(({ mark }) => mark === wanted);
}

function isTechnical({ items }: Clause): boolean {
  return items.some(({ entry, word }) => TECHNICAL.has(entry.lemma) || TECHNICAL.has(word.toLowerCase()));
}

/** Words that make a question one about software. */
const TECHNICAL: ReadonlySet<string> = new Set(
  (
    "python java javascript typescript golang rust php ruby scala kotlin perl sql mysql postgresql sqlite redis mongodb elasticsearch kafka spark hadoop airflow docker kubernetes helm terraform ansible jenkins nginx apache aws s3 ec2 lambda azure gcp " +
    "git github gitlab bitbucket jira linux unix ubuntu debian bash shell powershell cron systemd http https tcp udp ssh api rest graphql grpc css html json xml yaml csv regex react vue angular django flask rails laravel numpy pandas pytorch tensorflow " +
    "npm pip function method variable array loop compiler database server query script endpoint repository commit code algorithm thread pointer exception class object backend frontend kernel debugger browser webpack selenium jest pytest junit c++ c#"
  ).split(" "),
);

/** Words that are terms in such a question; their synonyms are not. */
const TERMS: ReadonlySet<string> = new Set(
  (
    "class course lecture module job task work occupation process thread discussion issue problem mistake list enumerate dictionary table key value string type kind sort test exam examination store shop save secure package parcel packet kill terminate run print output " +
    "copy duplicate raise lift merge combine unite erase alter link refresh reload image picture photo figure hide conceal build construct clean clear empty release publish launch register enroll way instance example sample attribute characteristic trait " +
    "rule regulation law element part piece word term title heading tag label mark wait sleep rest select choose pick fetch retrieve return pass commit join connect call phone ring mean average cover exit quit shut break catch throw float double queue stack heap tree root leaf node graph " +
    "map set filter reduce decrease cut fold drop fall dump log record journal trace track port harbor host guest client customer driver pilot command order request application question inquiry branch fork state condition status character letter field column row line block"
  ).split(" "),
);

/** Pairs of synonyms that are none beside these words. */
const NEVER_BESIDE: ReadonlyMap<string, ReadonlySet<string>> = toBeside(
  "issue problem:raise open file close create report assign comment label ticket magazine stock share bond newspaper stamp / cost price:cut reduce lower save allocate account / doctor physician:law philosophy science letters degree become / " +
    "attorney lawyer:power district general / apply use:job visa loan card law school theory function / definition meaning:life dream name love happiness existence song / area size:circle triangle rectangle square trapezoid polygon ellipse sphere cylinder cone / instructor teacher:yoga driving fitness flight diving ski / company firm:limited public theatre / company business:class card plan / sick ill:day leave pay / disease sickness:motion sea altitude morning / illness sickness:motion sea altitude morning",
);

/** Pairs of which one word is turned into the other. */
const ONLY_TO = new Set(["convert turn"]);

/** Pairs that are none before "for": who applies for a job does not use it. */
const NEVER_FOR = new Set(["apply use"]);

function toBeside(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    text.split(" / ").map((line) => {
      const [pair = "", words = ""] = line.split(":");
      return [pair.split(" ").toSorted().join(" "), new Set(words.split(" "))] as const;
    }),
  );
}
