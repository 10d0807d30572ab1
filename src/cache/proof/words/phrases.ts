/** Contractions, with and without their apostrophe. */
export const CONTRACTIONS: ReadonlyMap<string, readonly string[]> = new Map(
  (
    "what's:what is;whats:what is;who's:who is;whos:who is;where's:where is;wheres:where is;when's:when is;how's:how is;hows:how is;why's:why is;that's:that is;thats:that is;" +
    "there's:there is;theres:there is;here's:here is;it's:it is;he's:he is;she's:she is;let's:let us;lets:let us;i'm:i am;im:i am;i've:i have;ive:i have;i'll:i will;i'd:i would;" +
    "you're:you are;you've:you have;you'll:you will;you'd:you would;we're:we are;we've:we have;we'll:we will;we'd:we would;they're:they are;they've:they have;they'll:they will;" +
    "they'd:they would;he'd:he would;she'd:she would;he'll:he will;she'll:she will;it'll:it will;it'd:it would;what're:what are;what'll:what will;who'll:who will;how'd:how did;where'd:where did;" +
    "can't:can not;cant:can not;cannot:can not;won't:will not;wont:will not;shan't:shall not;don't:do not;dont:do not;doesn't:does not;doesnt:does not;didn't:did not;didnt:did not;" +
    "isn't:is not;isnt:is not;aren't:are not;arent:are not;wasn't:was not;wasnt:was not;weren't:were not;werent:were not;haven't:have not;havent:have not;hasn't:has not;hasnt:has not;" +
    "hadn't:had not;hadnt:had not;wouldn't:would not;wouldnt:would not;couldn't:could not;couldnt:could not;shouldn't:should not;shouldnt:should not;mustn't:must not;needn't:need not;ain't:is not;" +
    "gonna:going to;wanna:want to;gotta:must;gimme:give me;lemme:let me;wat:what;wht:what;waht:what;whta:what;hwat:what;wich:which;whcih:which;whihc:which;wehre:where;whre:where;hwo:how;teh:the;thier:their;thru:through;w/o:without;diffrence:difference;diffrences:differences;differance:difference;diference:difference;betwen:between;beetween:between;becuase:because;becasue:because;befor:before;wihtout:without;shoud:should;woud:would;coud:could;doese:does;explane:explain;pupose:purpose;meening:meaning;plz:please;pls:please;thx:thanks"
  )
    .split(";")
    .map((entry) => {
      const [short = "", long = ""] = entry.split(":");
      return [short, long.split(" ")] as const;
    }),
);

/** Expressions of several words with an equivalent word. */
const PHRASES = `
united states of america=usa
the united states=usa
united states=usa
the us=usa
the u.s=usa
u.s.a=usa
u.s=usa
united kingdom=uk
u.k=uk
great britain=britain
new york city=nyc
as well as=and
along with=and
together with=with
instead of=instead_of
rather than=instead_of
in place of=instead_of
because of=because_of
due to=because_of
owing to=because_of
in order to=to
so as to=to
according to=according_to
next to=next_to
close to=close_to
near to=near
have to=must
are required to=must
make sure=ensure
makes sure=ensure
making sure=ensure
a few=some
cash machine=atm
cash machines=atm
linked to=associated with
has to=must
had to=must
need to=must
needs to=must
got to=must
am able to=can
is able to=can
are able to=can
be able to=can
supposed to=should
allowed to=can
a lot of=many
lots of=many
plenty of=many
a number of=many
a couple of=2
a pair of=2
a dozen=12
most recent=latest
newest=latest
most up to date=latest
sci fi=scifi
sci-fi=scifi
science fiction=scifi
up to date=current
up-to-date=current
right now=now
at the moment=now
at present=now
at this time=now
these days=now
nowadays=now
as of now=now
as of today=today
such as=like
for example=like
for instance=like
e.g=like
kind of=
kinds of=
type of=
types of=
sort of=
sorts of=
a bit=
a little bit=
a little=a_little
in general=
of course=
by the way=
log in=log_in
logging in=log_in
logged in=log_in
login=log_in
sign in=log_in
signing in=log_in
signed in=log_in
signin=log_in
log into=log_in to
sign into=log_in to
log on=log_in
log out=log_out
logging out=log_out
logged out=log_out
log off=log_out
logout=log_out
sign out=log_out
sign up=sign_up
signing up=sign_up
signed up=sign_up
signup=sign_up
top up=top_up
topping up=top_up
topped up=top_up
top ups=top_up
top-up=top_up
topup=top_up
set up=set_up
setting up=set_up
setup=set_up
back up=back_up
backup=back_up
look up=look_up
looking up=look_up
look for=find
looking for=find
looks for=find
search for=find
searching for=find
find out=determine
figure out=determine
work out=determine
get rid of=remove
change the name of=rename
change name of=rename
getting rid of=remove
get in touch with=contact
getting in touch with=contact
get back=recover
turn on=turn_on
turning on=turn_on
switch on=turn_on
turn off=turn_off
power on=turn_on
powers on=turn_on
powering on=turn_on
power off=turn_off
powers off=turn_off
powering off=turn_off
tell if=know if
tell whether=know if
turning off=turn_off
switch off=turn_off
shut down=shut_down
shutdown=shut_down
shutting down=shut_down
check in=check_in
checking in=check_in
checkin=check_in
check out=check_out
checking out=check_out
checkout=check_out
call off=cancel
put off=postpone
give up=quit
giving up=quit
carry out=perform
take place=happen
takes place=happen
took place=happen
take part=participate
make use of=use
made use of=use
get married=marry
free of charge=free
at no cost=free
e mail=email
e-mail=email
wi fi=wifi
wi-fi=wifi
non stop=nonstop
round trip=roundtrip
round-trip=roundtrip
one way=oneway
one-way=oneway
ph d=phd
ph.d=phd
phd's=phd
p.m=pm
a.m=am
o clock=oclock
o'clock=oclock
not working=notworking
not work=notworking
not be working=notworking
out of order=notworking
broken down=notworking
stopped working=notworking
well known=famous
well-known=famous
best known=famous
at least=at_least
capital city=capital
capital cities=capitals
least expensive=cheapest
least costly=cheapest
less expensive=cheaper
less costly=cheaper
stop over=stopover
at most=at_most
more than=more_than
greater than=more_than
larger than=more_than
bigger than=more_than
higher than=more_than
less than=less_than
fewer than=less_than
smaller than=less_than
lower than=less_than
no more than=at_most
no less than=at_least
not more than=at_most
no longer=no_longer
not any more=no_longer
not anymore=no_longer
any more=anymore
each other=each_other
one another=each_other
how come=why
how much time=how long
what age=how old
weather like=weather
climate like=climate
what for=why
for what reason=why
for free=free
on line=online
on-line=online
real time=realtime
real-time=realtime
`;

/** Words to try at a position by their first word, longest first. */
export const PHRASES_BY_FIRST: ReadonlyMap<string, readonly (readonly [readonly string[], readonly string[]])[]> =
  toPhrases(PHRASES);

function toPhrases(text: string) {
  const found = new Map<string, (readonly [readonly string[], readonly string[]])[]>();
  for (const line of text.trim().split("\n")) {
    const [from = "", to = ""] = line.split("=");
    const words = from.split(" ");
    const entry = [words, to === "" ? [] : to.split(" ")] as const;
    const first = words[0] ?? "";
    found.set(
      first,
      [...(found.get(first) ?? []), entry].toSorted((a, b) => b[0].length - a[0].length),
    );
  }
  return found;
}

/** Short forms that are as common as the long ones. */
export const SHORT_FORMS: ReadonlyMap<string, string> = new Map(
  (
    "js:javascript ts:typescript py:python golang:go k8s:kubernetes postgres:postgresql mongo:mongodb db:database dbs:databases repo:repository repos:repositories macos:mac osx:mac " +
    "app:application apps:applications auth:authentication config:configuration docs:documentation info:information pic:picture pics:pictures corp:corporation dept:department govt:government " +
    "tv:television approx:approximately usa:usa vs:vs temp:temperature max:maximum min:minimum avg:average msg:message msgs:messages env:environment dir:directory dirs:directories " +
    "func:function param:parameter params:parameters prof:professor univ:university uni:university prereq:prerequisite prereqs:prerequisites sched:schedule dob:birthdate cv:resume café:cafe cafés:cafes " +
    "usd:dollar eur:euro gbp:pound-sterling jpy:yen pwd:password mins:minutes hrs:hours secs:seconds yrs:years yr:year wk:week wks:weeks mo:month nr:number dr:doctor st:st ave:avenue rd:road blvd:boulevard mt:mount ft:fort " +
    "acct:account acc:account addr:address amt:amount qty:quantity pkg:package num:number no.:number etc:etc cs:cs ml:ml ai:ai " +
    "jan:january feb:february apr:april jun:june jul:july aug:august sept:september oct:october nov:november dec:december mon:monday tue:tuesday tues:tuesday wed:wednesday thu:thursday " +
    "thur:thursday thurs:thursday fri:friday intro:introduction spec:specification specs:specifications nyc:nyc sf:sf dc:dc"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string])
    .filter(([short, long]) => short !== long && !["ft", "mo", "dr", "sep"].includes(short)),
);

/** British and American spellings, by ending and by word. */
export const SPELLINGS: ReadonlyMap<string, string> = new Map(
  (
    "colour:color favourite:favorite centre:center theatre:theater metre:meter kilometre:kilometer litre:liter licence:license defence:defense offence:offense practise:practice programme:program " +
    "cheque:check grey:gray tyre:tire aeroplane:airplane aluminium:aluminum behaviour:behavior neighbour:neighbor neighbouring:neighboring labour:labor flavour:flavor honour:honor humour:humor harbour:harbor jewellery:jewelry " +
    "travelling:traveling traveller:traveler cancelled:canceled catalogue:catalog dialogue:dialog enrol:enroll fulfil:fulfill skilful:skillful judgement:judgment pyjamas:pajamas plough:plow " +
    "sceptical:skeptical organisation:organization storey:story whisky:whiskey yoghurt:yogurt mum:mom " +
    "résumé:resume résumés:resumes fiancée:fiancee fiancé:fiance naïve:naive cliché:cliche façade:facade décor:decor entrée:entree sauté:saute soufflé:souffle crème:creme brûlée:brulee jalapeño:jalapeno piñata:pinata protégé:protege exposé:expose matinée:matinee purée:puree"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);

/** Units behind a number. */
export const UNITS: ReadonlyMap<string, string> = new Map(
  (
    "usd:dollar bucks:dollar eur:euro gbp:pound-sterling jpy:yen km:kilometer kms:kilometer mi:mile m:meter cm:centimeter mm:millimeter ft:foot in:inch kg:kilogram kilo:kilogram kilos:kilogram " +
    "g:gram gm:gram mg:milligram lb:pound lbs:pound oz:ounce l:liter ml:milliliter tbsp:tablespoon tsp:teaspoon c:celsius f:fahrenheit s:second sec:second ms:millisecond min:minute h:hour hr:hour " +
    "gb:gigabyte mb:megabyte tb:terabyte kb:kilobyte mph:mph kph:kph k:thousand mln:million bn:billion hz:hertz w:watt kw:kilowatt v:volt px:pixel"
  )
    .split(" ")
    .map((pair) => pair.split(":") as [string, string]),
);
