"""Everyday English words: what is left standing when a name merely resembles it.

A protected word that *is* one of these (Hope, Will) is still found wherever it is said. The list only keeps likeness (one
letter off, the same sound) from taking "mine" out for Mina. Words that are common names and little else are not on it.
"""

from __future__ import annotations

COMMON = frozenset(
    """
a able about above absolutely accept across act actual actually add afraid after again against age ago agree ah air all
allow almost alone along already also although always am among an and angry animal another answer any anybody anymore
anyone anything anyway anywhere apart apple apply are area arm around arrive art as ask asked asking asleep at ate away
baby back bad bag ball band bank bar base bath be bear beat beautiful became because become bed bedroom been before began
begin behind being believe bell below beside best bet better between big bike bill bin bird bit black blood blue board
boat body book born boss both bother bottle bottom bought box boy bread break breakfast breathe bring brother brought
brown build building bus business busy but buy by cake call called came can cannot car card care careful carry case cat
catch caught centre certain chair chance change cheap check child children choice choose church city class clean clear
clearly clever close clothes club coat coffee cold college colour come comes coming community computer cook cooking cool
corner cost could couldnt count country couple course cousin cover crazy cried cry cup cut dad daily dance dark date
daughter day days dead deal dear death decide decided deep definitely did didnt die different difficult dinner dirty do
doctor does doesnt dog doing done dont door down dream dress drink drive driver drop dry due during each ear early earn
earth easier easy eat eight eighteen eighty either eleven else empty end enough english enjoy even evening ever every
everybody everyone everything everywhere exactly except explain eye eyes face fact fair fall family far farm fast fat
father fear feel feeling feet fell felt few field fifteen fifty fight fill film final finally find fine finger finish
fire first fish fit five floor flower fly follow food foot football for forest forget forgot form forty forward found
four fourteen free fresh friday friend friends from front full fun funny future game garden gave get gets getting girl
give given glad glass go god goes going gold gone gonna good got great green ground group grow grown guess guy guys had
hair half hall hand hands happen happened happy hard has hat hate have havent having he head health hear heard heart heat
heavy hell hello help helped helping her here hers herself hes hi hid hide high hill him himself his hit hold holiday
home honest honestly hope hospital hostel hot hotel hour hours house how however huge hundred hungry hurt husband i ice
id idea if ill im important in inside instead into is isnt it its itself ive job join journey joy jump june just keep
kept key kid kids kill kind king kitchen knew know known lady land language large last late later laugh law lay lead
learn learned least leave left leg less lesson let lets letter library lie life lift light like liked line list listen
little live lived lives living local long look looked looking lord lose lost lot lots loud love loved low luck lucky
lunch mad made mail main make makes making man many map march mark market married matter may maybe me meal mean meaning
means meant meat meet meeting member men message met middle might mile milk mind mine minute minutes miss mistake moment
monday money month months moon more morning most mother mouth move moved much mum music must my myself name near nearly
neck need needed needs nervous never new news next nice night nine nineteen ninety no nobody noise none nor normal north
nose not note nothing notice now number numbers of off office often oh ok okay old on once one ones only open or orange
order other others our out outside over own page paid pain pair paper parent parents park part party pass past pay peace
people perfect perhaps person phone photo piece place places plan plane plant play please point police poor pray prayer
present pretty private probably problem promise proud public pull push put question quick quickly quiet quite race radio
rain ran reach read ready real really reason red remember rest rice rich ride right ring river road room round rule run
running sad safe safety said salt same sat saturday save saw say saying says school sea second secret see seem seems seen
sell send sense sent seven seventeen seventy several shall she shes ship shirt shoe shoes shop short should shoulder show
shower shut sick side sign silly simple since sing single sister sit six sixteen sixty size skin sky sleep slept slow
slowly small smell smile snow so social some somebody someone something sometimes somewhere son song soon sorry sort
sound soup south speak special spend spent spoke sport spring staff stairs stand star start started state station stay
stayed step still stole stone stood stop stopped story straight strange street strong student study stuff stupid such
sugar summer sun sunday support suppose sure swim table take taken takes taking talk talked talking tall taught tea teach
teacher team tell ten test than thank thanks that thats the their them themselves then there theres these they theyre
thick thin thing things think third thirteen thirty this those though thought thousand three through throw thursday ticket
time times tired to today together told tomorrow tonight too took top touch toward town train travel tree tried trip
trouble true trust truth try trying tuesday turn twelve twenty twice two um uncle under understand until up upon us use
used usual usually van very view village visit voice von wait waited waiting wake walk walked walking wall want wanted
wants war warm was wash wasnt watch water way we wear weather wednesday week weekend weeks weird well went were west wet
what whatever whats when where whether which while white who whoever whole whose why wide wife wild will win wind window
winter wish with within without woke woman women wonder wont wood word words wore work worked worker working world worried
worry worse worst worth would wouldnt write wrong wrote yeah year years yellow yes yesterday yet you young your youre
yours yourself
""".split()  # noqa: SIM905  a list of strings would be five times as long
)
