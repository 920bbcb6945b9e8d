"""What things in dreams are often read as, in a sentence each; our own words, not a science."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class SymbolEntry(NamedTuple):
    """`words` are beginnings of words by which it is known; a word that ends in `=` has to be there as it is."""

    name: str
    words: tuple[str, ...]
    meaning: str


def _entry(name: str, words: str, meaning: str) -> SymbolEntry:
    return SymbolEntry(name, tuple(words.split()), meaning)


SYMBOLS: Final[Sequence[SymbolEntry]] = (
    _entry("water", "water= waters= wasser eau= agua", "Feelings that move, and take the shape of what holds them."),
    _entry("sea", "sea= seas= ocean meer= ozean mer= océan océano", "What is larger than oneself, and deep."),
    _entry("river", "river= rivers= stream= fluss rivière río=", "The course that life takes, and where it leads."),
    _entry("lake", "lake= lakes= pond= lac= lago=", "A feeling at rest, in which one may see oneself."),
    _entry(
        "rain", "rain= rains= raining rainy regen= pluie lluvia", "Something pent up that comes down and lets grow."
    ),
    _entry("storm", "storm thunder lightning gewitter sturm orage tormenta", "A conflict that has been building up."),
    _entry("flood", "flood= floods= flooded tsunami überschwemm inond", "More feeling than one can hold at once."),
    _entry(
        "wave", "wave= waves= welle= wellen vague= vagues= ola= olas=", "Something that comes over one, and passes."
    ),
    _entry("fire", "fire= fires= flame burn feuer feu= fuego", "Anger or passion: it warms, and it destroys."),
    _entry("snow", "snow schnee neige nieve", "Stillness; something that is covered for a while."),
    _entry("ice", "ice= icy= eis= glace= hielo", "A feeling that has been kept cold."),
    _entry("wind", "wind= winds= windy viento", "A change that can be felt and not yet seen."),
    _entry("sun", "sun= suns= sunlight sunrise sonne soleil", "Clarity and warmth; something that becomes plain."),
    _entry("moon", "moon= moons= moonlight mond= lune= luna=", "What is known by feeling rather than by reason."),
    _entry("star", "star= stars= starry stern= sterne étoile estrella", "A hope that is far away, and guides."),
    _entry("sky", "sky= skies= himmel ciel= cielo=", "Room for what could be."),
    _entry("cloud", "cloud wolke nuage nube=", "Something that is not clear yet."),
    _entry("night", "night= nights= nacht= nuit= noche=", "What is not looked at by day."),
    _entry("darkness", "dark= darkness dunkel finster sombre oscur", "Not knowing, and having to go on all the same."),
    _entry("light", "light= lights= licht lumière luz=", "An insight, or the wish for one."),
    _entry("shadow", "shadow= shadows= schatten ombre= sombra", "A side of oneself that is rarely shown."),
    _entry("house", "house= houses= home= haus= maison casa=", "Oneself, with rooms that are known and others."),
    _entry("room", "room= rooms= zimmer chambre= habitación", "A part of one's life that can be entered or left."),
    _entry("door", "door= doors= gate= tür= türen porte= portes= puerta", "A way into something else, open or not."),
    _entry("key", "key= keys= schlüssel clé= clef= llave", "An answer, or what gives access to one."),
    _entry("window", "window fenster fenêtre ventana", "A look at something without being part of it."),
    _entry("stairs", "stair staircase steps= treppe escalier escalera", "Going up or down from one state to another."),
    _entry("bridge", "bridge= bridges= brücke pont= ponts= puente", "A passage that connects, and has to be dared."),
    _entry("tower", "tower= towers= turm= torre=", "Being above things, and alone with the view."),
    _entry("wall", "wall= walls= mauer mur= murs= pared muro", "A limit, made by others or by oneself."),
    _entry("mirror", "mirror spiegel miroir espejo", "How one sees oneself, or fears to be seen."),
    _entry(
        "school", "school= schools= classroom schule école escuela", "Being measured; something still to be learned."
    ),
    _entry("exam", "exam= exams= examin test= tests= prüfung examen=", "The worry of not being good enough."),
    _entry("road", "road= roads= path= paths= street= weg= straße chemin camino", "A decision about where to go."),
    _entry("crossroads", "crossroad junction kreuzung carrefour encrucijada", "Two ways that can't both be taken."),
    _entry("forest", "forest= forests= woods= wald= forêt bosque", "What is not mapped yet, and easy to get lost in."),
    _entry("tree", "tree= trees= baum= bäume arbre árbol", "Growth that takes years, and has roots."),
    _entry("flower", "flower= flowers= roses= blume fleur flor=", "Something tender that has its season."),
    _entry("garden", "garden= gardens= garten jardin jardín", "What one tends, and what it has become."),
    _entry("mountain", "mountain hill= hills= berg= berge montagne montaña", "A task that can be seen from afar."),
    _entry("cave", "cave= caves= höhle grotte cueva", "A shelter, or something kept hidden."),
    _entry("island", "island= islands= insel= île= isla=", "Being apart from others, wanted or not."),
    _entry("desert", "desert= deserts= wüste= désert desierto", "A time that gives little, and asks for patience."),
    _entry("city", "city= cities= stadt= ville= ciudad", "Many possibilities, and many strangers."),
    _entry(
        "flying", "fly= flies= flying flew= flown= fliegen flog= voler= volar=", "Freedom, or the wish to be above it."
    ),
    _entry(
        "falling", "fall= falls= falling fell= fallen= fiel= tombe= tomber= caer=", "A hold that is lost, or let go of."
    ),
    _entry("running", "run= runs= running ran= rennen= courir= correr=", "Something to get to, or away from."),
    _entry(
        "chase",
        "chase= chased chasing chases= pursu hunted= verfolg poursui persegu",
        "Something that wants to be faced.",
    ),
    _entry("climbing", "climb kletter grimper escalar", "An effort towards something higher."),
    _entry("swimming", "swim= swims= swam= swimming schwimm nager= nadar=", "Being carried by what one feels."),
    _entry("drowning", "drown ertrink noyer= ahogar", "Something that takes one's breath."),
    _entry("being lost", "lost= verlaufen perdu= perdida perdido", "Having no direction for the moment."),
    _entry("being late", "late= delay missed= verspät retard", "The fear that a chance goes by."),
    _entry("nakedness", "naked= nude= undressed nackt desnud", "Being seen without protection."),
    _entry("teeth", "tooth= teeth= zahn= zähne dents= diente", "How one appears, and the fear of losing that."),
    _entry("hair", "hair= haare= haar= cheveux pelo=", "How one wants to be seen."),
    _entry("hand", "hand= hands= hände mains= mano=", "What one can do, give and hold."),
    _entry("eye", "eye= eyes= auge= augen= œil yeux= ojo=", "Being watched, or seeing at last."),
    _entry("blood", "blood bleed blut= sangre", "Strength, kinship, or a wound."),
    _entry("death", "death= dead= died= dying= tod= mort= muert", "The end of something, which makes room."),
    _entry("birth", "birth born= geburt naissance nacimiento", "Something new that needs care."),
    _entry("baby", "baby= babies= infant bébé bebé", "A beginning that can't yet stand alone."),
    _entry("child", "child= children= kinder= enfant niño niña", "One's own past, or what is still open."),
    _entry("mother", "mother= mom= mum= mutter= mère= maman= madre=", "Where one comes from, and what cared."),
    _entry("father", "father= dad= vater= père= papa= padre=", "Rules and protection, taken over or refused."),
    _entry("grandmother", "grandmother grandma oma= großmutter abuela", "What is handed down, and stays kind."),
    _entry("stranger", "stranger unknown fremd étranger desconocid", "A part of oneself that has no name yet."),
    _entry("crowd", "crowd= crowds= menge= foule= multitud", "Oneself among the many, unseen or pushed."),
    _entry("snake", "snake= snakes= serpent schlange serpiente", "A change that frightens, and renews."),
    _entry("bird", "bird= birds= vogel= vögel oiseau pájaro", "A thought that wants to be free."),
    _entry("fish", "fish= fishes= fisch= poisson pez= peces=", "Something from the depth that shows itself."),
    _entry("whale", "whale= whales= wal= wale= baleine ballena", "Something vast that is gentle."),
    _entry("dog", "dog= dogs= hund= hunde= chien= perro", "Loyalty, or an instinct that guards."),
    _entry("cat", "cat= cats= katze gato=", "Independence, and doing as one likes."),
    _entry("horse", "horse= horses= pferd cheval= caballo", "Strength that can carry one, if it is trusted."),
    _entry("wolf", "wolf= wolves= wölfe loup= lobo=", "Something wild that keeps to its own."),
    _entry("bear", "bear= bears= bär= oso=", "Strength that rests, and should not be woken."),
    _entry("spider", "spider= spiders= spinne araignée araña", "Patience, or a net one is caught in."),
    _entry("butterfly", "butterfl schmetterling papillon mariposa", "Having become something else."),
    _entry("train", "train= trains= zug= züge= tren=", "A direction that was set, and a time table."),
    _entry("car", "car= cars= auto= autos= voiture coche=", "Who steers, and where."),
    _entry("boat", "boat= boats= ship= ships= schiff bateau barco", "Getting across what one feels."),
    _entry("airplane", "airplane plane= planes= flugzeug avion avión", "A leap to somewhere else."),
    _entry("journey", "journey travel reise= voyage viaje", "A change that takes its time."),
    _entry("suitcase", "suitcase luggage koffer valise maleta", "What one carries along from before."),
    _entry("money", "money= coins= coin= gold= geld= argent= dinero", "What one is worth, to oneself or others."),
    _entry("gift", "gift= gifts= geschenk cadeau regalo", "Something that is offered, and may be taken."),
    _entry("ring", "ring= rings= bague anillo", "A bond."),
    _entry("clock", "clock= clocks= watch= uhr= horloge reloj", "Time that is felt to run."),
    _entry("letter", "letter= letters= lettre= carta=", "A message that one waits for, or owes."),
    _entry("book", "book= books= buch= bücher livre= libro", "What is known, and could be read up."),
    _entry("music", "music song= songs= sing= sang= musik musique música", "What can't be said otherwise."),
    _entry("dance", "dance danced dancing tanz danse= baile=", "Being in step with somebody, or with oneself."),
    _entry("mask", "mask= masks= maske= masque máscara", "The face that is shown to others."),
    _entry("food", "food= eat= eating bread= essen= comida", "What one needs, or takes in."),
    _entry("wound", "wound= wounds= injur wunde= blessure herida", "Something that hurt and is not closed."),
    _entry("hospital", "hospital doctor krankenhaus hôpital", "The wish to be looked after, or to heal."),
    _entry("church", "church temple= kirche église iglesia", "What one holds to be larger than oneself."),
    _entry("ghost", "ghost= ghosts= geist= fantôme fantasma", "Something past that is still present."),
    _entry("monster", "monster= monsters= demon ungeheuer monstre monstruo", "A fear that was given a body."),
    _entry("phone", "phone= telephone telefon téléphone teléfono", "Wanting to reach somebody."),
    _entry("wedding", "wedding bride= hochzeit mariage boda=", "Two things that become one."),
)
