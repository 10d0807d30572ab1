/**
 * Frequent words with several meanings. WordNet groups them with words that are equivalent for one meaning only ("raise", "lift"), so these
 * groups prove nothing; the hand-written groups still do.
 */
export const AMBIGUOUS: ReadonlySet<string> = new Set(
  (
    "raise fix draw break charge fire file book run serve strike beat train address light match note order pass play point post press rate record report rest return roll rule sail save score seat sense set ship shoot " +
    "sign sink spring stage stand star state stick stock suit swing tackle tap tear tie toast trade trip turn wave wear well wind block board bolt bond box bug can cap case cast change clip club coach coat company cool " +
    "court current deck degree die face fair fall fast figure film fine firm fit flat fly foot form free game grave ground hand handle hit host issue jam jar key kick kid kind lap last lead leaf league lean left lie " +
    "lift mark mass miss mold mouse nail net novel object odd pack pad park part patient pen pet pick pipe pitch plane plant pole pool port pound present race rare raw ring rock root rose round row saw school " +
    "season second shift shower shrink sole solution spot stable stalk stamp staple steer stem stern story strain straw subject tense tire trust type volume treat grow rear get have make take give keep hold let put go " +
    "come see look open close clear clean cut drive exchange expect express feel fight find help hurt join jump kill lend move own pay pull push reach receive refuse remain remember rise share show sleep smell " +
    "speak start stay stop study talk taste tell think travel try understand use wait walk want win wish write little new good hot heavy easy smart sick ill right correct chief main principal master live living long lay " +
    "lot mean table bank bar base bear bill bit blow body bound bow bowl call capital card catch cause cell center chair chance check class clock code cold common complex content contract cook copy count course cover " +
    "crack craft crane crash credit cross crown cure date deal develop dock dose double down draft dress drop duty edge end engage engine exercise express extract fail fan feature field flash float floor flow fold force fork " +
    "frame function gain gear grade grant grip guard guide harness head hide hook idle image interest iron judge land launch lean leave letter level like line list load lock log loose major manage map master matter measure medium " +
    "might mind minor minute model mount notice number nut operate organ pair pan paper pass pattern peak period piece pile pin place plain plot plug pop pose position pot power practice press pretend print process produce " +
    "program project promise proof prove pump punch quarter question quote rack range rank rare read real reason recover reduce refer reflect relation relative relief rent reserve resolve ruin safe sample scale scene " +
    "screen seal search season section sentence service shape sharp shell shoot short shot shut side sight single size skip slip snap solid sound space spell spread square staff stake station steal step stir store straight " +
    "strength stress stretch strip stroke style supply support surface survey switch table tank target temper term test thread throw tick tip title toll tone top touch track trail transfer trap trick trunk type vessel view " +
    "vote warm warp watch water weigh wheel whip will wire work yield hello hi hey thanks greeting"
  ).split(" "),
);
