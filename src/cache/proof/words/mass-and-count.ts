/** Nouns that name a stuff or an idea without an article, and one thing with "a": "chicken", "a chicken". */
export const MASS_OR_COUNT: ReadonlySet<string> = new Set(
  (
    "chicken lamb turkey fish duck rabbit salmon trout tuna crab lobster oyster egg turtle goose deer octopus " +
    "glass iron paper wood stone rock rubber tin cloth brick marble plastic steel silver gold copper nickel cork crystal diamond ice oil gas " +
    "orange lime lemon peach plum olive cherry coconut pineapple pumpkin onion pepper mint ginger corn potato cabbage melon " +
    "coffee tea beer wine whiskey cake chocolate pizza cheese pie bread salad soup sandwich curry steak cereal soda juice water medicine drug " +
    "light time room space cancer noise sound hair language law life love memory war art business change crime death education exercise experience failure fear history industry marriage power pressure " +
    "speech sport taste thought trade truth work world state nation religion philosophy culture society science theory virtue sin color colour temperature country land desert sea fire wind rain snow storm cold flu fever pain"
  ).split(" "),
);
