/** Irregular verbs with their past, and their participle where it is another word. "Be" is a function word and stands elsewhere. */
const VERBS =
  "arise:arose,arisen awake:awoke,awoken bear:bore,borne beat:beaten become:became begin:began,begun bend:bent bet:bet bind:bound bite:bit,bitten " +
  "bleed:bled blow:blew,blown break:broke,broken breed:bred bring:brought build:built burn:burnt burst:burst buy:bought catch:caught choose:chose,chosen " +
  "come:came cost:cost creep:crept deal:dealt dig:dug do:did,done,does draw:drew,drawn dream:dreamt drink:drank,drunk drive:drove,driven eat:ate,eaten " +
  "fall:fell,fallen feed:fed feel:felt fight:fought find:found need:need fit:fit flee:fled fly:flew,flown forbid:forbade,forbidden forget:forgot,forgotten " +
  "forgive:forgave,forgiven freeze:froze,frozen get:got,gotten give:gave,given go:went,gone,goes grow:grew,grown hang:hung have:had,has hear:heard hide:hid,hidden " +
  "hit:hit hold:held hurt:hurt keep:kept kneel:knelt know:knew,known lay:laid lead:led lean:leant learn:learnt leave:left lend:lent let:let light:lit " +
  "lose:lost make:made mean:meant meet:met overcome:overcame pay:paid prove:proven quit:quit read:read ride:rode,ridden ring:rang,rung rise:rose,risen " +
  "run:ran say:said see:saw,seen seek:sought sell:sold send:sent set:set shake:shook,shaken shine:shone shoot:shot show:shown shrink:shrank,shrunk " +
  "shut:shut sing:sang,sung sink:sank,sunk sit:sat sleep:slept slide:slid speak:spoke,spoken spell:spelt spend:spent spill:spilt spin:spun split:split " +
  "spoil:spoilt spread:spread stand:stood steal:stole,stolen stick:stuck sting:stung strike:struck,stricken swear:swore,sworn sweep:swept swim:swam,swum " +
  "swing:swung take:took,taken teach:taught tear:tore,torn tell:told think:thought throw:threw,thrown understand:understood upset:upset wake:woke,woken " +
  "wear:wore,worn weave:wove,woven weep:wept win:won wind:wound withdraw:withdrew,withdrawn write:wrote,written rewrite:rewrote,rewritten undo:undid,undone " +
  "die:dying lie:lying tie:tying cancel:cancelled,cancelling travel:travelled,travelling control:controlled,controlling program:programmed,programming " +
  "refer:referred,referring transfer:transferred,transferring prefer:preferred occur:occurred commit:committed,committing submit:submitted,submitting";
/** Irregular plurals. */
const NOUNS =
  "child:children man:men woman:women person:people,persons foot:feet tooth:teeth goose:geese mouse:mice ox:oxen leaf:leaves life:lives wife:wives knife:knives " +
  "half:halves shelf:shelves thief:thieves wolf:wolves self:selves calf:calves loaf:loaves datum:data criterion:criteria phenomenon:phenomena medium:media " +
  "bacterium:bacteria analysis:analyses crisis:crises thesis:theses hypothesis:hypotheses basis:bases index:indices,indexes appendix:appendices matrix:matrices " +
  "vertex:vertices axis:axes radius:radii stimulus:stimuli cactus:cacti fungus:fungi nucleus:nuclei syllabus:syllabi alumnus:alumni formula:formulae " +
  "quiz:quizzes,quizzing bus:buses gas:gases hero:heroes potato:potatoes tomato:tomatoes echo:echoes cargo:cargoes volcano:volcanoes";

/** Irregular forms by their base. */
export const IRREGULAR: ReadonlyMap<string, string> = new Map(
  `${VERBS} ${NOUNS}`.split(" ").flatMap((entry) => {
    const [base = "", forms = ""] = entry.split(":");
    return forms.split(",").map((form) => [form, base] as const);
  }),
);

/** Irregular forms that are a past by themselves: "sold", "spoke". "Spoken" needs an auxiliary. */
export const IRREGULAR_PASTS: ReadonlySet<string> = new Set(
  VERBS.split(" ").flatMap((entry) => {
    const [base = "", forms = ""] = entry.split(":");
    const [past = ""] = forms.split(",");
    return past === base || past.endsWith("ing") ? [] : [past];
  }),
);

/** Adjectives and adverbs that are compared: the base by its comparative and superlative. */
const COMPARED =
  "big bright broad brief calm cheap clean clear close cold cool crazy cute dark deep dense dirty dry dull early easy fair far fast few fine firm flat fresh full funny gentle grand great green happy hard " +
  "harsh healthy heavy high hot huge kind large late lazy lean light likely little long loud low lucky mild narrow near neat new nice noisy old pale plain poor pretty pure quick quiet rare rich ripe " +
  "rough safe sharp short shy sick simple slim slow small smart smooth soft soon steep strange strict strong sturdy sweet tall tasty thick thin tight tiny tough ugly warm weak wealthy wet wide wild wise " +
  "young busy dumb fat fit sad mad tame scary spicy costly friendly lovely lonely silly tricky";

/** Base of each comparative and superlative: "larger" is large and `er`. */
export const DEGREES: ReadonlyMap<string, readonly [base: string, degree: "er" | "est"]> = new Map<
  string,
  readonly [base: string, degree: "er" | "est"]
>([
  ["better", ["good", "er"]],
  ["best", ["good", "est"]],
  ["top", ["good", "est"]],
  ["greatest", ["great", "est"]],
  ["worse", ["bad", "er"]],
  ["worst", ["bad", "est"]],
  ["farther", ["far", "er"]],
  ["further", ["far", "er"]],
  ["farthest", ["far", "est"]],
  ["furthest", ["far", "est"]],
  ["latest", ["new", "est"]],
  ...COMPARED.split(" ").flatMap((base) =>
    stemsOf(base).flatMap((stem) => [
      [`${stem}er`, [base, "er"]] as [string, [string, "er"]],
      [`${stem}est`, [base, "est"]] as [string, [string, "est"]],
    ]),
  ),
]);

function stemsOf(base: string): string[] {
  if (base.endsWith("e")) return [base.slice(0, -1)];
  if (/[^aeiou]y$/.test(base)) return [`${base.slice(0, -1)}i`];
  if (/[^aeiou][aeiou][bdgmnpt]$/.test(base)) return [`${base}${base.at(-1)}`, base];
  return [base];
}
