/** The proof by pairs that were written for this test: different questions of every kind that embeddings mistake, and paraphrases. */
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prove, read, READ_CHARS_MAX, type Level } from "./index.ts";

const proof = (a: string, b: string, level: Level = "strict") => prove(read(a), read(b), level);

const DIFFERENT: readonly (readonly [kind: string, a: string, b: string])[] = [
  ["number", "how many calories are in 2 eggs", "how many calories are in 3 eggs"],
  ["number", "train to Lyon at 9 am", "train to Lyon at 9 pm"],
  ["number", "What happened in 1914?", "What happened in 1918?"],
  ["unit", "how long is 5 km on foot", "how long is 5 miles on foot"],
  ["negation", "which mushrooms are edible", "which mushrooms are not edible"],
  ["negation", "Can I bring my dog?", "Can't I bring my dog?"],
  ["negation", "recipes with sugar", "recipes without sugar"],
  ["antonym", "How do I enable notifications?", "How do I disable notifications?"],
  ["antonym", "what are the advantages of nuclear power", "what are the disadvantages of nuclear power"],
  ["antonym", "How do I turn on Bluetooth?", "How do I turn off Bluetooth?"],
  ["antonym", "Convert the text to uppercase", "Convert the text to lowercase"],
  ["roles", "How much does Alice owe Bob?", "How much does Bob owe Alice?"],
  ["roles", "Did Rome conquer Carthage?", "Did Carthage conquer Rome?"],
  ["roles", "What is the area of the largest state?", "What is the state with the largest area?"],
  ["roles", "flights from Oslo to Bergen", "flights from Bergen to Oslo"],
  ["roles", "Is a cat bigger than a fox?", "Is a fox bigger than a cat?"],
  ["roles", "translate this from German to English: Hallo", "translate this from English to German: Hallo"],
  ["roles", "Who was killed by Brutus?", "Who killed Brutus?"],
  ["roles", "the son of the king's friend", "the friend of the king's son"],
  [
    "roles",
    "How do I export from Notion and import into Evernote?",
    "How do I import from Notion and export into Evernote?",
  ],
  ["roles", "use tabs instead of spaces", "use spaces instead of tabs"],
  ["tense", "Who is the mayor of Hamburg?", "Who was the mayor of Hamburg?"],
  ["tense", "When does the store open?", "When did the store open?"],
  ["modality", "Must I wear a helmet?", "May I wear a helmet?"],
  ["modality", "Should I take the second dose?", "Do I take the second dose?"],
  ["quantifier", "Do all birds fly?", "Do any birds fly?"],
  ["quantifier", "Is every swan white?", "Is some swan white?"],
  ["quantifier", "I only eat fish", "I eat fish"],
  ["quantifier", "list all open orders", "list some open orders"],
  ["quantifier", "show all users", "show any users"],
  ["quantifier", "list every user", "list some users"],
  ["quantifier", "name all rivers of France", "name some rivers of France"],
  ["quantifier", "Give me all the options", "Give me a few of the options"],
  ["question", "Which rivers cross the border?", "How many rivers cross the border?"],
  ["question", "Who founded the company?", "When was the company founded?"],
  ["question", "Why do cats purr?", "How do cats purr?"],
  ["question", "The meeting is at noon", "Is the meeting at noon?"],
  ["person", "What is your refund policy?", "What is their refund policy?"],
  ["person", "Why did he leave?", "Why did she leave?"],
  ["symbol", "filter rows where age > 30", "filter rows where age < 30"],
  ["symbol", "what is 5 - 3", "what is 5 + 3"],
  ["symbol", "great job 👍", "great job 👎"],
  ["conjunction", "is a and b true", "is a or b true"],
  ["code", "how does parse_config work", "how does load_config work"],
  ["code", "what does Array.from do", "what does Array.of do"],
  ["code", "explain git reset --soft", "explain git reset --hard"],
  ["code", "numpy argmax over axis", "numpy argmin over axis"],
  ["quoted", 'what does "bank" mean', 'what does "shore" mean'],
  ["name", "Which states border Ohio?", "Which states border Michigan?"],
  ["name", "capital of Austria", "capital of Australia"],
  ["word", "penalty for fraud in Texas", "penalty for theft in Texas"],
  ["word", "Define backpropagation", "hello backpropagation"],
  ["word", "How do I reset my password?", "How do I reset my PIN?"],
  ["degree", "longest bridge in Europe", "second longest bridge in Europe"],
  ["degree", "Which city is large?", "Which city is the largest?"],
  ["degree", "the most expensive phone", "the least expensive phone"],
  ["added", "flights to Oslo", "flights and hotels to Oslo"],
  ["added", "list nonstop flights to Oslo", "list flights to Oslo"],
  ["added", "how to cook rice", "how to cook brown rice"],
  ["preposition", "meetings before Monday", "meetings after Monday"],
  ["preposition", "what can I do with a passport", "what can I do without a passport"],
  ["script", "中国的首都是哪里", "法国的首都是哪里"],
  ["script", "Ποια είναι η πρωτεύουσα της Γαλλίας;", "Ποια είναι η πρωτεύουσα της Ισπανίας;"],
  [
    "language",
    "Wie hoch ist der Eiffelturm und wer hat ihn gebaut?",
    "Wie alt ist der Eiffelturm und wer hat ihn gebaut?",
  ],
  ["case", "how do I contact us support", "how do I contact US support"],
  ["ending", "Which port did the fleet sail from?", "Which port did the fleet sail to?"],
  ["object", "How do I stop hurting my friends?", "How do I stop my friends hurting me?"],
  ["object", "ask me to phone Anna at noon", "ask Anna to phone me at noon"],
  ["object", "How do I make my son believe me?", "How do I make myself believe my son?"],
  ["place", "Is the green cup on the white plate?", "Is the white plate on the green cup?"],
  ["compound", "chocolate milk", "milk chocolate"],
  ["name", "who sang in Gremlin", "who sang in Gremlins"],
  ["count", "maximum number of deposits", "maximum amount of a deposit"],
  ["superscript", "what is 2² plus one", "what is 22 plus one"],
];

const SAME: readonly (readonly [a: string, b: string])[] = [
  ["What is the capital of France?", "what's the capital of france"],
  ["What is the capital of Norway?", "Tell me the capital of Norway"],
  ["How do I reset my password?", "What are the steps to reset my password?"],
  ["How do I reset my password?", "I need help resetting my password"],
  ["How can I cancel my order?", "I want to cancel my order"],
  ["cancel my order", "Hi, could you please help me cancel my order? Thanks!"],
  ["How tall is the Eiffel Tower?", "What is the height of the Eiffel Tower?"],
  ["How much does a passport cost?", "What is the price of a passport?"],
  ["How many people live in Denver?", "What is the population of Denver?"],
  ["show me flights from Oslo to Bergen on Monday", "list flights on Monday from Oslo to Bergen"],
  ["I would like a flight from Oslo to Bergen", "Give me flights from Oslo to Bergen"],
  ["Which papers were written by Jane Doe?", "What papers did Jane Doe write?"],
  ["What is the difference between TCP and UDP?", "How is UDP different from TCP?"],
  [
    "difference between active voice and passive voice",
    "What is the difference between passive voice and active voice?",
  ],
  ["What does HTTP stand for?", "What is the meaning of HTTP?"],
  ["buy a house", "purchase a house"],
  ["list 3 ideas", "list three ideas"],
  ["at 9:00 am", "at 9 am"],
  ["it costs 1,000 dollars", "it costs $1000"],
  ["what is the recieve buffer of TCP", "what is the receive buffer of TCP"],
  ["What is in\u200Bflation?", "What is inflation?"],
  ["Ｗhat is inflation?", "What is inflation?"],
  ["best programming language to learn", "top programming language to learn"],
  ["An onion is being cut by a man", "A man is cutting an onion"],
  ["Is it better to live in Rome or Milan?", "Is it better to live in Milan or Rome?"],
  ["python sort list by date", "sort list by date in python"],
  ["What is the colour of copper?", "What is the color of copper?"],
  ["Where is the Louvre located?", "Where is the Louvre?"],
  ["website hosting", "web site hosting"],
  ["maximum number of visitors in May", "maximum amount of visitors in May"],
  ["In 2004 the team moved to Oslo", "The team moved to Oslo in 2004"],
  ["waht is the capital of Norway", "what is the capital of Norway"],
  ["Where are steam engines typically used?", "Where are steam engines used?"],
];

/** What `balanced` proves beyond `strict`, part by part as docs/roles/cache.md names them. */
const LOOSENED: readonly (readonly [part: string, a: string, b: string])[] = [
  ["form", "What's the best time to see whales?", "When is the best time to see whales?"],
  ["word left over", "Is a tomato considered a fruit?", "Is a tomato a fruit?"],
  ["word left over", "What is an example of a noble gas?", "What is a good example of a noble gas?"],
  ["class noun", "Who directed the movie Metropolis?", "Who directed Metropolis?"],
  ["asked noun", "In what year did the circus close?", "When did the circus close?"],
  ["asked noun", "In which country do lemurs live?", "Where do lemurs live?"],
  ["asked noun", "where to learn origami", "resources to learn origami"],
  ["perfect", "Why have I been charged twice?", "Why was I charged twice?"],
  [
    "aside",
    "Which major museum on the east bank of the river shows the oldest maps of the coast?",
    "Which museum on the east bank of the river shows the oldest maps of the coast?",
  ],
  [
    "aside",
    "What treaty signed after the war gave the island of Corfu to the republic of Venice?",
    "What treaty after the war gave the island of Corfu to the republic of Venice?",
  ],
  ["order", "Water the ferns on the balcony", "How do I water the ferns on the balcony?"],
  ["order", "Mute the lamp in my hall", "how to mute the lamp in my hall"],
  [
    "aside",
    "Which leading weaver of the old town by the river repairs the largest rugs of the region?",
    "Which weaver of the old town by the river repairs the largest rugs of the region?",
  ],
  ["my", "Is my letter in Lyon?", "Is the letter in Lyon?"],
];

const pairsOf = (file: string) =>
  readFileSync(`test/data/${file}`, "utf8")
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.split("|") as [string, string]);

describe("a proof", () => {
  it.each(DIFFERENT)("is not found for another %s: %s | %s", (_, a, b) => {
    expect([proof(a, b).proven, proof(b, a).proven, proof(a, b, "balanced").proven]).toEqual([false, false, false]);
  });

  it("is not found for any of the pairs that were written to mislead it", () => {
    const pairs = pairsOf("different-questions.txt");
    expect(pairs.length).toBeGreaterThan(100);
    const proven = (level: Level) => pairs.filter(([a, b]) => proof(a, b, level).proven || proof(b, a, level).proven);
    expect([proven("strict"), proven("balanced")]).toEqual([[], []]);
  });

  it("is found for each of the pairs that were written to say the same", () => {
    const pairs = pairsOf("same-questions.txt");
    expect(pairs.length).toBeGreaterThan(60);
    expect(pairs.filter(([a, b]) => !proof(a, b).proven || !proof(b, a).proven)).toEqual([]);
  });

  it.each(SAME)("is found for: %s | %s", (a, b) => {
    expect([proof(a, b), proof(b, a)]).toEqual([{ proven: true }, { proven: true }]);
  });

  it.each(LOOSENED)("is found at balanced alone where they differ by one %s: %s | %s", (_, a, b) => {
    const levels = (["strict", "balanced"] as const).map((level) => [
      proof(a, b, level).proven,
      proof(b, a, level).proven,
    ]);
    expect(levels).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it("is found for every text with itself, and the same both ways", () => {
    const word = fc.constantFrom(
      ..."how do i cancel my order not all two rome to from by and the largest city of texas ? , is which 5 us US".split(
        " ",
      ),
    );
    const text = fc.oneof(
      fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
      fc.string({ unit: "grapheme", maxLength: 60 }),
    );
    fc.assert(fc.property(text, (one) => proof(one, one).proven));
    for (const level of ["strict", "balanced", "aggressive"] as const)
      fc.assert(
        fc.property(text, text, (a, b) => proof(a, b, level).proven === proof(b, a, level).proven),
        { numRuns: 300 },
      );
  });

  it("is found by a first look at the words wherever it is found at all", () => {
    const rows = readFileSync("test/data/pairs.tsv", "utf8").trim().split("\n");
    const own = rows.map((row) => row.split("\t").slice(2) as [string, string]);
    const groups = readFileSync("tools/data/meanings.txt", "utf8").trim().split("\n");
    const alike = groups
      .filter((line) => !line.startsWith("#"))
      .flatMap((line) => line.split("|").flatMap((one, _, all) => all.map((other) => [one, other] as const)));
    const written = [...pairsOf("same-questions.txt"), ...pairsOf("different-questions.txt")];
    const named = [...DIFFERENT, ...LOOSENED].map(([, a, b]) => [a, b] as const);
    const pairs = [...own, ...written, ...SAME, ...named];
    let refused = 0;
    const overlooked: string[][] = [];
    for (const level of ["strict", "balanced", "aggressive"] as const) {
      for (const [a = "", b = ""] of level === "strict" ? [...pairs, ...alike] : pairs) {
        const [quick, whole] = [prove(read(a), read(b), level, { quick: true }), proof(a, b, level)];
        if (quick.proven !== whole.proven) overlooked.push([level, a, b]);
        if (!quick.proven && quick.reason === "words") refused += 1;
      }
    }
    expect(overlooked).toEqual([]);
    expect(refused).toBeGreaterThan(pairs.length);
  });

  it("leaves out what both prompts share, and compares their questions", () => {
    const document =
      "The order was placed on Monday. It was shipped by rail on Tuesday and came to Basel on Friday. ".repeat(3);
    const about = (question: string) =>
      `Answer from the context.\n\nContext:\n${document}\n\nQuestion: ${question}\nAnswer:`;
    expect(proof(about("When was it shipped?"), about("when was it shipped")).proven).toBe(true);
    expect(proof(about("When was it shipped?"), about("When was it placed?")).proven).toBe(false);
    expect(proof(about("When was it shipped?"), about("When was it shipped?").replace("rail", "road"))).toMatchObject({
      reason: "context",
    });
    expect(proof(`${document}How did it come?`, `${document}How did it come? Who paid?`)).toMatchObject({
      reason: "added",
    });
  });

  it("says when a prompt cannot be read, or is too long to compare", () => {
    expect(proof("какая столица Франции", "какая столица Италии")).toEqual({ proven: false, reason: "unreadable" });
    const long = (word: string) => `${"word ".repeat(400)}${word}`;
    // A document beyond the bound is not read at all, however alike the questions are.
    const vast = (question: string) => `${"a line of the document\n".repeat(2_000)}\n${question}`;
    expect(vast("").length).toBeGreaterThan(READ_CHARS_MAX);
    expect(proof(vast("Who wrote it?"), vast("who wrote it"))).toEqual({ proven: false, reason: "length" });
    expect(proof(vast("Who wrote it?"), vast("Who wrote it?"))).toEqual({ proven: true });
    expect(proof(long("one thing"), long("another thing"))).toEqual({ proven: false, reason: "length" });
  });
});
