"""What a text can say of somebody or something, and the ways to ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from byzer_nb.train.tiny import words
from byzer_nb.train.tiny.example import Wordings


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One kind of fact: the sentences that state it, the questions for it, and its values."""

    says: tuple[str, ...]
    asks: Wordings
    value: Callable[[Random], object]


PERSONAL = {
    "city": Fact(
        says=(
            "{n} lives in {v}.",
            "The home of {n} is in {v}.",
            "{n} lives in the city of {v}.",
            "{n} moved to {v}.",
            "{n} has a home in {v}.",
            "{n} is at home in {v}.",
            "{v} is the city where {n} lives.",
        ),
        asks=Wordings(
            train=(
                "Where does {n} live?",
                "In which city does {n} live?",
                "Which city does {n} live in?",
                "Where is the home of {n}?",
                "Where is {n}'s home?",
                "What is the home of {n}?",
                "{n} lives in which city?",
                "Name the city where {n} lives.",
                "I want to know where {n} lives.",
                "Do you know where {n} lives?",
                "What is the city of {n}?",
                "In what city is the home of {n}?",
            ),
            held_out=("What city does {n} live in?", "Tell me where {n} lives."),
        ),
        value=words.city,
    ),
    "origin": Fact(
        says=(
            "{n} comes from {v}.",
            "{n} was born in {v}.",
            "The birthplace of {n} is {v}.",
            "{n} is from {v}.",
            "{v} is the birthplace of {n}.",
        ),
        asks=Wordings(
            train=(
                "Where does {n} come from?",
                "Where was {n} born?",
                "What is the birthplace of {n}?",
                "What is {n}'s birthplace?",
                "Which city does {n} come from?",
                "Which city was {n} born in?",
                "Say where {n} comes from.",
                "Where is {n} from?",
                "From which city does {n} come?",
                "Do you know where {n} was born?",
            ),
            held_out=("In which city was {n} born?",),
        ),
        value=words.city,
    ),
    "drink": Fact(
        says=(
            "{n} likes to drink {v}.",
            "{n} drinks {v}.",
            "The favourite drink of {n} is {v}.",
            "{n} always drinks {v}.",
        ),
        asks=Wordings(
            train=(
                "What does {n} like to drink?",
                "What does {n} drink?",
                "What is the favourite drink of {n}?",
                "Which drink does {n} like?",
                "What drink does {n} like?",
                "Which is {n}'s favourite drink?",
                "What does {n} love to drink?",
                "Say what {n} likes to drink.",
                "I want to know what {n} drinks.",
                "Name the favourite drink of {n}.",
            ),
            held_out=("What is {n}'s favourite drink?", "Tell me what {n} drinks."),
        ),
        value=lambda rng: words.described(rng, words.DRINKS),
    ),
    "job": Fact(
        says=("{n} works as a {v}.", "{n} is a {v}.", "The job of {n} is {v}.", "{n} earns a living as a {v}."),
        asks=Wordings(
            train=(
                "What is the job of {n}?",
                "What does {n} work as?",
                "What does {n} do for a living?",
                "What is {n}'s job?",
                "What job does {n} have?",
                "What is {n}?",
                "Which is the job of {n}?",
                "How does {n} earn a living?",
                "What kind of work does {n} do?",
                "Say what {n} works as.",
                "Tell me the job of {n}.",
            ),
            held_out=("Which job does {n} have?", "What does {n} do?"),
        ),
        value=lambda rng: words.described(rng, words.JOBS),
    ),
    "colour": Fact(
        says=("{n} has a {v} bag.", "The bag of {n} is {v}.", "{n} carries a {v} bag.", "{n} bought a {v} bag."),
        asks=Wordings(
            train=(
                "What colour is the bag of {n}?",
                "Which colour is {n}'s bag?",
                "What is the colour of the bag of {n}?",
                "What colour is {n}'s bag?",
                "What is the colour of {n}'s bag?",
                "What colour of bag does {n} have?",
                "Which colour does the bag of {n} have?",
                "{n} has a bag of which colour?",
                "Tell me the colour of {n}'s bag.",
                "Say which colour the bag of {n} is.",
            ),
            held_out=("Which colour is the bag of {n}?", "What colour does {n}'s bag have?"),
        ),
        value=lambda rng: words.one_of(rng, words.COLOURS, 0.7),
    ),
    "pet": Fact(
        says=(
            "{n} has a pet called {v}.",
            "The pet of {n} is called {v}.",
            "{n} has a dog named {v}.",
            "{n} has a cat called {v}.",
            "The name of {n}'s pet is {v}.",
        ),
        asks=Wordings(
            train=(
                "What is the pet of {n} called?",
                "What is the name of {n}'s pet?",
                "How is the pet of {n} called?",
                "What is the name of the pet of {n}?",
                "How is {n}'s pet called?",
                "Which name does {n}'s pet have?",
                "What name did {n} give the pet?",
                "Tell me the name of {n}'s pet.",
                "What do people call the pet of {n}?",
            ),
            held_out=("What is {n}'s pet called?", "Which name does the pet of {n} have?"),
        ),
        value=words.name,
    ),
    "age": Fact(
        says=("{n} is {v} years old.", "{n} is {v}.", "The age of {n} is {v}.", "{n} turned {v} this year."),
        asks=Wordings(
            train=(
                "How old is {n}?",
                "What is the age of {n}?",
                "What age is {n}?",
                "What age does {n} have?",
                "Say how old {n} is.",
                "How many years old is {n}?",
                "Tell me the age of {n}.",
                "I want to know {n}'s age.",
                "Do you know how old {n} is?",
            ),
            held_out=("What is {n}'s age?", "Tell me how old {n} is."),
        ),
        value=lambda rng: rng.randint(1, 99),
    ),
    "friend": Fact(
        says=(
            "The best friend of {n} is {v}.",
            "{n} has a friend called {v}.",
            "{n} and {v} are friends.",
            "{v} is the best friend of {n}.",
            "{n} is a friend of {v}.",
        ),
        asks=Wordings(
            train=(
                "Who is the best friend of {n}?",
                "Who is the friend of {n}?",
                "Who is {n}'s friend?",
                "Who is {n}'s best friend?",
                "What is the name of {n}'s friend?",
                "What is {n}'s friend called?",
                "Who is a friend of {n}?",
                "Name the friend of {n}.",
                "Tell me who the friend of {n} is.",
            ),
            held_out=("What is the friend of {n} called?",),
        ),
        value=words.name,
    ),
    "sport": Fact(
        says=("{n} plays {v}.", "The sport of {n} is {v}.", "In summer {n} plays {v}.", "{n} likes to play {v}."),
        asks=Wordings(
            train=(
                "What does {n} play?",
                "Which sport does {n} play?",
                "What is the sport of {n}?",
                "What is {n}'s sport?",
                "Which game does {n} play?",
                "Say what {n} plays.",
                "What sport does {n} do?",
                "Which is the sport of {n}?",
                "Tell me the sport of {n}.",
            ),
            held_out=("What sport does {n} play?",),
        ),
        value=lambda rng: words.described(rng, words.SPORTS),
    ),
}
OF_THINGS = {
    "price": Fact(
        says=(
            "The {n} costs {v} dollars.",
            "One {n} costs {v} dollars.",
            "The price of the {n} is {v} dollars.",
            "You can buy the {n} for {v} dollars.",
            "The {n} is {v} dollars.",
        ),
        asks=Wordings(
            train=(
                "What does the {n} cost?",
                "How much is the {n}?",
                "What is the price of the {n}?",
                "What is the {n}'s price?",
                "How expensive is the {n}?",
                "For how much is the {n}?",
                "What does one {n} cost?",
                "Tell me the price of the {n}.",
                "How much money is the {n}?",
                "What must I pay for the {n}?",
            ),
            held_out=("How much does the {n} cost?", "How many dollars is the {n}?"),
        ),
        value=words.number,
    ),
    "place": Fact(
        says=(
            "The {n} is in the {v}.",
            "You find the {n} in the {v}.",
            "The {n} stands in the {v}.",
            "They put the {n} in the {v}.",
            "In the {v} there is a {n}.",
        ),
        asks=Wordings(
            train=(
                "Where is the {n}?",
                "Where do I find the {n}?",
                "Where can I find the {n}?",
                "In what place is the {n}?",
                "What is the place of the {n}?",
                "Where did they put the {n}?",
                "Say where the {n} is.",
                "Do you know where the {n} is?",
                "Where can the {n} be found?",
            ),
            held_out=("Tell me where the {n} is.", "Where do you find the {n}?"),
        ),
        value=lambda rng: words.one_of(rng, words.NOUNS),
    ),
    "owner": Fact(
        says=("The {n} belongs to {v}.", "{v} owns the {n}.", "The owner of the {n} is {v}.", "{v} has the {n}."),
        asks=Wordings(
            train=(
                "Who owns the {n}?",
                "Who is the owner of the {n}?",
                "Whose is the {n}?",
                "Whom does the {n} belong to?",
                "Tell me who owns the {n}.",
                "What is the name of the owner of the {n}?",
                "Whose {n} is it?",
                "To whom does the {n} belong?",
                "The {n} belongs to whom?",
            ),
            held_out=("Who does the {n} belong to?",),
        ),
        value=words.name,
    ),
}
OF_WORKS = {
    "author": Fact(
        says=(
            "{n} was written by {v}.",
            "{v} wrote {n}.",
            "The author of {n} is {v}.",
            "{n} is a book by {v}.",
            "{n} is the work of {v}.",
        ),
        asks=Wordings(
            train=(
                "Who wrote {n}?",
                "Who is the author of {n}?",
                "Who was {n} written by?",
                "Who is {n}'s author?",
                "What is the name of the author of {n}?",
                "Whose work is {n}?",
                "Tell me who wrote {n}.",
                "Name the author of {n}.",
                "{n} was written by whom?",
                "Which author wrote {n}?",
            ),
            held_out=("What is the author of {n} called?", "By whom was {n} written?"),
        ),
        value=words.name,
    ),
    "year": Fact(
        says=(
            "{n} was made in {v}.",
            "{n} came out in {v}.",
            "The year of {n} is {v}.",
            "{n} was written in {v}.",
            "In {v} {n} came out.",
        ),
        asks=Wordings(
            train=(
                "When was {n} made?",
                "When did {n} come out?",
                "What is the year of {n}?",
                "In what year was {n} made?",
                "Which year did {n} come out?",
                "From which year is {n}?",
                "When, in which year, was {n} made?",
                "Tell me the year of {n}.",
                "Say when {n} came out.",
            ),
            held_out=("In which year did {n} come out?",),
        ),
        value=lambda rng: rng.randint(1500, 2030),
    ),
}
