"""The words of the micro world."""

ADJECTIVES = (
    "red blue green black white golden silver old new tall small quiet loud warm cold sweet sour dark bright deep long "
    "round sharp soft heavy empty narrow hidden broken ancient"
).split()

# The value of a fact is (adjective, noun). Each relation draws its nouns from one of these categories.
NOUNS = {
    "place": "harbor forest valley tower garden bridge market temple castle island".split(),
    "food": "apple soup bread cheese rice pie honey fish cake pear".split(),
    "tool": "hammer brush lamp needle rope drum camera clock ladder mirror".split(),
    "vehicle": "boat wagon bicycle train balloon sled tractor canoe truck carriage".split(),
    "plant": "rose fern moss oak tulip cactus reed ivy clover thistle".split(),
    "stone": "ruby pearl marble amber copper iron coal quartz jade salt".split(),
    "cloth": "scarf coat hat glove boot cape belt shirt robe sock".split(),
    "illness": "fever cough rash cramp ache plague chill itch sting burn".split(),
}

NAMES = (
    "mira tom anna karl lena otto nina paul rosa ivan ella hugo sara emil dora finn gita leo maya nils olga peter ruth "
    "sven tina uma vera will yara zoe abel bruno clara david edith frank greta henry ida jonas"
).split()
TOWNS = "oslo lima cairo delhi paris tokyo quito accra hanoi dakar sofia riga minsk doha perth bern".split()
ANIMALS = "fox owl bear wolf deer hare crow toad seal swan goat horse mouse eagle otter badger".split()
COMPOUNDS = "zorin talox beratin cumol dexan felarin gavix homol ketran lumex nistol pyrax".split()
PLANETS = "arda belor cygna draxis elora fenra golmar hestia ixion jorund kalva lyris".split()
SHIPS = "aurora bounty comet dolphin endeavour falcon gannet hermes iris juno kestrel lark".split()

ENTITIES = {
    "person": NAMES,
    "town": TOWNS,
    "animal": ANIMALS,
    "compound": COMPOUNDS,
    "planet": PLANETS,
    "ship": SHIPS,
}

NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()

# the things that an instruction "list three ..." may ask for
LISTS = {
    "places": NOUNS["place"],
    "foods": NOUNS["food"],
    "tools": NOUNS["tool"],
    "vehicles": NOUNS["vehicle"],
    "plants": NOUNS["plant"],
    "stones": NOUNS["stone"],
    "clothes": NOUNS["cloth"],
    "illnesses": NOUNS["illness"],
    "animals": ANIMALS,
    "towns": TOWNS,
    "names": NAMES,
}

# sentences that state no fact
FILLERS = (
    "the day was cold.",
    "many people came to see it.",
    "nobody knows why.",
    "it was a long week.",
    "the news spread fast.",
    "we will hear more soon.",
)
