"""Words that decide what a text means: a small edit of one is none. Called by `small_edits`.

The lists are short on purpose: what they do not know is covered by the rules on where in a word a letter may differ.
"""

from __future__ import annotations

import re

_NEGATIONS = """
no not never without except none cannot neither nor nothing nobody nowhere unless excluding hardly barely scarcely
against instead lacking minus denied refuse exclude avoid cant dont wont doesnt didnt isnt arent wasnt werent shouldnt
wouldnt couldnt mustnt hasnt havent hadnt shant neednt
nicht kein keine keinen keinem keiner keines nie niemals ohne außer weder nichts niemand
ne pas jamais sans aucun aucune rien sauf personne nul nulle
nunca ni nada ninguno ninguna ningún sin excepto salvo tampoco jamás
non mai senza nessuno nessuna niente eccetto tranne
não nem sem nenhum nenhuma exceto
niet geen nooit zonder behalve niets
inte ingen inget utan aldrig ikke uden aldri uten
nie bez żaden nigdy nikt oprócz
не нет без никогда ничего никто нельзя кроме ни
"""
_NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety hundred thousand million billion
trillion
first second third fourth fifth sixth seventh eighth ninth tenth half quarter double triple twice thrice single dozen
hundreds thousands millions billions
eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf zwanzig dreißig dreissig vierzig fünfzig sechzig siebzig
achtzig neunzig hundert tausend erste zweite dritte vierte fünfte sechste siebte achte neunte zehnte halb
vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn
deux trois quatre cinq sept huit neuf onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante
cent cents mille premier deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième moitié
dos tres cuatro cinco siete ocho nueve diez doce trece catorce quince veinte treinta cuarenta cincuenta sesenta setenta
ochenta noventa ciento cientos primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo mitad
due tre quattro cinque sette otto nove dieci undici dodici tredici quattordici quindici sedici venti trenta quaranta
cinquanta sessanta settanta ottanta novanta cento primo secondo terzo quarto quinto sesto settimo ottavo nono decimo
dois duas três quatro sete oito dez treze quatorze vinte trinta quarenta cinquenta sessenta setenta oitenta noventa
primeiro segundo terceiro metade
twee drie vijf zes zeven negen tien twaalf twintig dertig veertig vijftig zestig zeventig tachtig negentig honderd
duizend dertien veertien vijftien zestien zeventien
один одна два две три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать
пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят
восемьдесят девяносто сто двести триста тысяча тысячи миллион первый второй третий четвёртый четвертый пятый
jeden dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć dwanaście piętnaście dwadzieścia trzydzieści sto tysiąc
"""
# Two real words, one letter apart within.
_APART = """
prescribe proscribe | prescribed proscribed | causal casual | marital martial | united untied | quiet quite
angel angle | trial trail | desert dessert | device devise | advice advise | stationary stationery
public pubic | complement compliment | discreet discrete | expand expend | access excess | woman women
these those | moral mortal | immoral immortal | imply apply | ascent assent | assure ensure | allusion illusion
elicit illicit | former firmer | inter intra | metal medal | formal format | minister minster | county country
costume custom | diary dairy | signed singed | parties patties | sacred scared | reserve reverse
reserved reversed | united unified | filed field | files flies | being begin | state estate | store score
plane plate | place plane | price prize | prize price | light right | month mouth | stack stock | blank black
brand bread | create crate | merge purge | lower loser | content contest | context contest | contact contract
compete complete | competed completed | conversion conversation | reform perform | inject infect
simulate stimulate | marked market | produce product | though through | thorough through | thought though
bridge bride | wander wonder | whether weather | either ether | decent descent | patient patent | carrier career
courier carrier | hosted hoisted | county count | beside besides | tested texted | shipping shopping
shipped shopped | minor miner | manor manner | planning planing | staring starting | started stared
stated started
"""


def _plain(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATIONS = _plain(_NEGATIONS)
NUMBERS = _plain(_NUMBERS)
_PAIRS = frozenset(frozenset(pair.split()) for line in _APART.splitlines() for pair in line.split("|") if pair.strip())
# Prefixes and suffixes that make the opposite of a word.
_OPPOSITE = re.compile(r"(?:un|in|im|il|ir|dis|non|anti|mis|de|counter|contra)-?")
_LESS = ("less", "free", "proof", "n't", "n\u2019t")
# What is put behind a word or taken off: plural, tense, person, kind.
_ENDINGS = frozenset("sdrnytel")
_VOWELS = frozenset("aeiouyàáâãäåèéêëìíîïòóôõöøùúûüýœæ" + "аеёиоуыэюяαεηιουω")
_ROMAN = re.compile(r"[ivxlcdm]{2,}")


def is_negation(word: str) -> bool:
    """Whether the word, without the signs around it, denies."""
    small = word.lower().replace("\u2019", "'")
    return small in NEGATIONS or small.endswith("n't")


def is_number(word: str) -> bool:
    """Whether it counts, in digits or in words."""
    small = word.lower()
    return any(sign.isnumeric() for sign in word) or small in NUMBERS or _ROMAN.fullmatch(small) is not None


def are_opposites(one: str, other: str) -> bool:
    """Whether one is the other with a prefix or a suffix that turns it."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    found = _OPPOSITE.match(long)
    return (found is not None and long[found.end() :] == short) or any(
        long == short + end or (long.endswith(end) and not short.endswith(end)) for end in _LESS
    )


def are_both_words(one: str, other: str) -> bool:
    """Whether two that are one letter apart are likely to be words both: a known pair, or forms of one word."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    if frozenset((short, long)) in _PAIRS:
        return True
    if len(short) < len(long):
        doubled = long[-1] == short[-1] and long[-1] not in "se"
        return long[:-1] == short and long[-1] in _ENDINGS and not doubled
    last = short[:-1] == long[:-1] and {short[-1], long[-1]} <= _ENDINGS
    return last or _another_vowel(short, long)


def _another_vowel(one: str, other: str) -> bool:
    """Whether one vowel stands for another: few such are typos, many make another word (nitrate, nitrite)."""
    differing = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    return len(differing) == 1 and _VOWELS.issuperset(differing[0])
