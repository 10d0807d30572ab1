/**
 * Hand-written groups of equivalent words in questions, separated by slashes and line ends; a word may be in several. Not transitive. Words
 * that differ in degree, direction, owner or kind do not belong here ("good" and "best", "lend" and "borrow", "price" and "fee").
 */
const GROUPS = `
buy purchase / price cost / end finish conclude / movie film / inhabitant resident / use utilize utilise usage / tip advice / difference distinction
big large / small little / quick fast rapid quickly rapidly / car automobile / doctor physician / job occupation / delete remove erase
modify change alter / edit change modify / choose select pick / build construct make / close shut / broken notworking / help assist assistance aid
receive get / get retrieve fetch / show display / explain describe / happen occur / allow permit / require need
necessary required needed / border neighbor adjoin borderwith / adjacent neighboring bordering / neighbor adjacent / author writer / write author
photo picture photograph / image picture / kid child / mom mother mum / dad father / lady woman / attorney lawyer / teacher instructor
professor instructor teacher / teach instruct / student pupil / big huge / important significant crucial / hard difficult tough
easy simple / wrong incorrect / famous wellknown renowned / popular wellliked / rich wealthy / clever smart intelligent / sick ill
illness sickness disease / medicine medication / symptom sign / treatment therapy / exercise workout / phone telephone / cellphone phone smartphone
website site webpage / app application / folder directory / parameter argument / convert transform change
calculate compute / determine find / find locate / discover find / search look_for / look_for find / quantity amount
length duration / height altitude elevation / area size / route path way / way method / method technique / approach method way / manner way
plan strategy / goal aim objective / purpose aim / benefit advantage / advantage pro / drawback disadvantage / disadvantage con / drawback downside
disadvantage downside / effect impact / effect consequence / result outcome / example instance sample / kind type sort / piece part
feature characteristic / trait characteristic / rule regulation / law legislation / firm company / company business / corporation company
employee worker / salary wage pay / earnings income / refund reimbursement / reimburse refund / charge fee / trip journey / travel journey
trip travel / holiday vacation / flight fly / airfare fare / airplane plane aircraft / airline carrier / nonstop direct / depart leave
departure leave / arrive arrival / baggage luggage / suitcase luggage / meal food / food cuisine / restaurant eatery diner / eat dine / drink beverage
shopping shop / forest woods / gift present / photo image / autumn fall
current latest / recent latest / newest latest / currentnow now / elderly old / young youthful
publication publish / reply respond answer / response reply answer / respond answer / inquire ask / question inquiry query
request ask_for / request application / apply application / contact get_in_touch / discuss talk
mean signify / define definition / describe description / summary overview / summarize summarise recap / list enumerate / heading title
theme topic / poem verse / joke gag / singer vocalist / die death / death die / dead deceased / birth bear / born birth / marry wed / wedding marriage
husband spouse / wife spouse / puppy pup / pain ache / tired exhausted / scared afraid / fear afraid / angry mad / sad unhappy
worry concern / anxious nervous / improve enhance / improve boost / increase raise / reduce decrease lower
lessen reduce / shrink reduce / prevent avoid / avoid prevent / stop prevent / stop quit / stop cease / keep maintain
hide conceal / reveal disclose / send transmit / move relocate / ship deliver / shipping delivery
deliver delivery / cancel call_off / verify confirm / confirm confirmation / check verify
identity identification / exam examination / assignment homework
sign_in log_in login signin / log_out sign_out logout signout / password passcode / forget lose / lost misplaced
misplace lose / topup top_up / atm cashpoint / withdraw withdrawal / percent percentage / statistic figure
forecast prediction / predict forecast / rain rainfall / snow snowfall / cook prepare / ingredient item / garden yard
apartment flat / place location / location position / where location / reside live / live dwell / stay live / centre center
major main / main primary / chief main / principal main / total overall / whole entire / entire complete
full complete / complete finish / empty blank / maximum max / minimum min / avg average / approximately about_number / nearly almost
often frequently / frequently frequent / rarely seldom / usually typically normally generally / typical usual normal / perhaps maybe
immediately instantly / instant immediate / quickly fast / slowly slow / automatically automatic / inexpensive cheap / affordable cheap
costly expensive / valid legitimate / real genuine / fake counterfeit / false untrue / different distinct / similar alike / same identical
equal same / various different / several multiple / numerous many / lots many / plenty many / customer client / buyer customer
founder creator / establish create / invent invention / inventor invent / discover discovery / develop development / create creation / contain include
include comprise / hate dislike / prefer favor / idea suggestion / suggest recommend
recommendation recommend suggestion / suggest suggestion / propose suggest / know knowledge / understand comprehend
research investigation / dataset datum / cite reference / citation cite / quote citation
translate translation / pronounce pronunciation / spell spelling / abbreviation acronym / word term / phrase expression / paragraph passage
equation formula / solve solution / proof evidence / prove demonstrate / demonstrate show / watch see
look see / color colour / gray grey / tall high / long lengthy / wide broad / deep profound
thin slim slender / strong powerful / weak feeble / beautiful pretty gorgeous / attractive handsome / ugly unattractive / odd strange weird
strange unusual / unique unusual / rare uncommon / someone somebody anyone anybody / everyone everybody / something anything
current now / near close / petrol gas gasoline / location place / coupon voucher / bathroom toilet restroom / soccer football / truck lorry / elevator lift / cell cellular / infant newborn / garbage trash rubbish / fridge refrigerator / parking carpark / lawn yard / couch sofa / faucet tap / zip postal / exit quit / int integer / stop stopover / reject decline refuse deny / swallow eat / extra additional / misplace lose / ok okay fine / layover stopover / top best / begin start commence / fix repair / solve resolve
reason cause / meaning definition / pay payment / cent penny / debit_card debitcard
visa_card visacard / notworking fail / purpose use / wait waiting / arrive come / reach arrive / go travel / meal dining
prerequisite prereq requirement / instructor lecturer / elective optional / credit credithour / sched schedule
timetable schedule / graduate graduation / register registration / enroll enrollment / require requirement / available availability / know familiar
meet satisfy / satisfy fulfill / fulfill meet / suitable appropriate / beginner novice / children kid / earn gain
lose_weight slim_down / trick tip / tutorial guide / guide manual / install set_up / set_up configure / configure configuration
initialize initialise / organize organise / execute run / undo revert
disable turn_off / enable turn_on / restart reboot / debug troubleshoot / rename retitle / huge enormous / enormous gigantic / tiny small
tiny minuscule / devise develop / devise invent / forbid prohibit ban / assess evaluate / inspect examine / notify inform / hire recruit / merge combine / supply provide / depend rely
vanish disappear / achieve attain accomplish / depict portray / assert claim / postpone delay / expand enlarge / conceal hide / assemble gather / commence begin / conclude end
eliminate remove / penalty punishment / accompany escort / adequate sufficient / affluent wealthy rich / anticipate expect
bashful shy / brave courageous / courage bravery / calm peaceful / competent capable / damp moist / hazard danger / hazardous dangerous / journalist reporter / juvenile young
lethal deadly / nutrition nourishment / obese overweight / poison toxin / poisonous toxic / rapid swift / swift fast / remedy cure / robber thief
available reachable / kg kilogram / km kilometer / cm centimeter / mm millimeter / ml milliliter / lbs lb /
apply use / problem issue / money cash / view see / average mean / turn convert / get obtain / obtain acquire / receive obtain / paper publication / stolen steal / respond react / associate relate connect / consequence result / alternative substitute / town city / nation country
tale story / timid shy / vacant empty / wealth riches / determine identify / compel force / misuse abuse / shipment consignment / high elevated
`;

/** The groups of each word, by number. */
export const SYNONYMS: ReadonlyMap<string, readonly number[]> = toGroups(GROUPS);

function toGroups(text: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [at, line] of text
    .trim()
    .split(/\n| \/ /)
    .entries()) {
    for (const word of line.split(" ")) {
      const known = found.get(word);
      if (known === undefined) found.set(word, [at]);
      else known.push(at);
    }
  }
  return found;
}
