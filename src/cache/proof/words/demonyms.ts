/** Adjectives and nouns of countries, with the country. */
export const DEMONYMS: ReadonlyMap<string, string> = new Map(
  (
    "american:usa british:uk french:france german:germany italian:italy spanish:spain portuguese:portugal dutch:netherlands belgian:belgium swiss:switzerland austrian:austria polish:poland czech:czechia " +
    "hungarian:hungary romanian:romania bulgarian:bulgaria greek:greece turkish:turkey russian:russia ukrainian:ukraine swedish:sweden norwegian:norway danish:denmark finnish:finland icelandic:iceland " +
    "irish:ireland scottish:scotland welsh:wales canadian:canada mexican:mexico brazilian:brazil argentine:argentina argentinian:argentina chilean:chile peruvian:peru colombian:colombia venezuelan:venezuela " +
    "cuban:cuba japanese:japan chinese:china indian:india pakistani:pakistan bangladeshi:bangladesh indonesian:indonesia malaysian:malaysia vietnamese:vietnam thai:thailand filipino:philippines " +
    "australian:australia egyptian:egypt moroccan:morocco algerian:algeria nigerian:nigeria kenyan:kenya ethiopian:ethiopia ghanaian:ghana israeli:israel iranian:iran iraqi:iraq syrian:syria " +
    "croatian:croatia serbian:serbia slovak:slovakia slovenian:slovenia estonian:estonia latvian:latvia lithuanian:lithuania singaporean:singapore"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);

/** Things that a country has one of, or contains: the French president is the president of France. */
export const OF_COUNTRIES: ReadonlySet<string> = new Set(
  (
    "president chancellor prime minister king queen monarch government parliament senate constitution flag anthem currency economy population capital gdp army navy border coast coastline embassy " +
    "university city airport mountain river lake island beach province census election"
  ).split(" "),
);
