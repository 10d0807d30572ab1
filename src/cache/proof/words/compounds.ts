/** Nouns before which an adjective is a part of a name: fast food is no quick food, and a hard drive no difficult one. */
export const COMPOUNDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  (
    "big: data bang brother sister ben deal picture tech apple bird foot game mac / little: league brother sister woman rock italy big / small: talk claim business print arm intestine cap caliber / " +
    "large: intestine cap language object / fast: food forward track fashion lane fourier breeder / quick: sort sand silver time fix release / hard: drive disk copy skill boiled rock hat cider cash shoulder fork link reset labor / " +
    "soft: skill drink fork link reset copy / high: school tide court jump heel definition priest chair street commissioner / simple: interest past present syrup harmonic machine majority sentence / free: trade will kick fall throw " +
    "verse speech radical energy agent cash / full: moon house time stack back name join text screen / whole: wheat milk number food note grain life / real: estate madrid number analysis id / old: testament english norse / " +
    "young: adult / rich: text media / smart: phone watch home tv contract card lock / strong: force verb acid base entity / weak: force verb acid base entity / round: robin trip table / " +
    "common: law cold core sense stock lisp era knowledge / main: street course function method thread / chief: executive justice financial technology operating / current: account asset liability ratio / " +
    "deep: learning web sea state copy / wide: receiver area web / broad: street band bean / long: jump division wave covid / short: story circuit sale stop wave / primary: key school election color care / basic: income instinct training / " +
    "cold: war front start call wallet / hot: dog spot fix spring plate wheel wallet / dark: web matter energy mode age / light: year bulb rail house / open: source air day / dead: sea lock line weight / sick: leave pay day / " +
    "wrong: way / right: angle wing join / left: wing join / direct: debit mail message object / principal: component / total: eclipse / major: league key / minor: league key / new: testament deal wave / correct: answer / " +
    "general: relativity election anesthesia / special: relativity / same: sex day / double: bass decker / mad: cow / dry: ice clean cleaning / wet: market"
  )
    .split(" / ")
    .map((line) => line.split(": ") as [string, string])
    .map(([adjective, nouns]) => [adjective, new Set(nouns.split(" "))]),
);
