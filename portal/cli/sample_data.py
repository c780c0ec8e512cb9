"""Who and what the sample organisations consist of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A sample person; `folder` is where a scoped role is held."""

    name: str
    role: str
    folder: str | None = None

    @property
    def first_name(self) -> str:
        """What the e-mail begins with."""
        return self.name.split()[0].lower()


@dataclass(frozen=True, slots=True)
class Team:
    """A sample group: people by their names, and the role that it gives them on a folder.

    One of those who review access is to be outside: nobody reviews what they hold themselves.
    """

    name: str
    sentence: str
    people: tuple[str, ...]
    role: str
    folder: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """A sample organisation: documents are (folder path, name, text)."""

    slug: str
    name: str
    people: tuple[Person, ...]
    team: Team
    documents: tuple[tuple[str, str, str], ...]


ACME = Organisation(
    "acme",
    "Acme Instruments",
    (
        Person("Ada Winter", "admin"),
        Person("Aron Fields", "admin"),
        Person("Mia Chen", "member"),
        Person("Tomas Rivera", "member"),
        Person("Grace Okafor", "guest", "Projects/Tide gauge"),
        Person("Olga Brandt", "compliance-officer"),
        Person("Ansel Roy", "auditor"),
    ),
    Team(
        "Wind vane team",
        "Who works on the wind vane, from here and from outside.",
        ("Grace Okafor", "Tomas Rivera"),
        "guest",
        "Projects/Wind vane",
    ),
    (
        (
            "",
            "Welcome to Acme.md",
            "# Welcome\n\nEverything here is encrypted under Acme's own keys before it reaches a "
            "disk.\n\n- *Projects* holds what we build.\n- *People* is for contracts and forms.\n"
            "- *Policies* tells how we work.\n",
        ),
        (
            "Policies",
            "Information security policy.md",
            "# Information security policy\n\nVersion 4, in force since 1 March.\n\n1. Documents "
            "live in the portal and nowhere else.\n2. Everybody signs in with a second factor.\n"
            "3. Guests see one folder, for as long as they need it.\n4. The compliance officer "
            "reads the audit log every week.\n",
        ),
        (
            "Policies",
            "Travel.md",
            "# Travel\n\nTrain under five hours, aeroplane above. Keep receipts for 30 days.\n",
        ),
        (
            "Projects/Tide gauge",
            "Requirements.md",
            "# Tide gauge TG-3: requirements\n\n| id | requirement |\n|---|---|\n| R1 | level to "
            "2 mm over 12 m |\n| R2 | one reading a second, kept for 400 days |\n| R3 | runs 18 "
            "months on one battery |\n| R4 | opens with no tool that floats |\n",
        ),
        (
            "Projects/Tide gauge",
            "Field readings.csv",
            "time,level_mm,battery_mv\n2026-10-01T06:00Z,3120,3611\n2026-10-01T06:10Z,3178,3611\n"
            "2026-10-01T06:20Z,3241,3610\n2026-10-01T06:30Z,3302,3610\n"
            "2026-10-01T06:40Z,3366,3609\n",
        ),
        (
            "Projects/Tide gauge",
            "Supplier quotes.csv",
            "supplier,part,unit_price_eur,weeks\nNordlot,pressure cell,41.20,6\nMarisens,pressure "
            "cell,38.90,11\nHalvar,housing,112.00,4\n",
        ),
        (
            "Projects/Wind vane",
            "Notes from the workshop.txt",
            "The bearing freezes at -31 C. Grease A7 keeps it free to -44 C and costs 3 cents "
            "more.\n"
            "Next: two weeks in the cold room, then the roof.\n",
        ),
        (
            "People",
            "Holiday plan.csv",
            "name,from,until\nMia Chen,2026-12-21,2027-01-04\nTomas Rivera,2026-12-28,2027-01-08\n",
        ),
    ),
)

GLOBEX = Organisation(
    "globex",
    "Globex Shipping",
    (
        Person("Gita Moreau", "admin"),
        Person("Hugo Lind", "member"),
        Person("Ines Duarte", "member"),
        Person("Oren Katz", "compliance-officer"),
    ),
    Team(
        "Crewing",
        "Who looks after the crew's papers.",
        ("Ines Duarte",),
        "folder-owner",
        "Crew",
    ),
    (
        (
            "",
            "Read me first.txt",
            "Charters go into Charters, crew papers into Crew. Ask Gita when in doubt.\n",
        ),
        (
            "Charters",
            "MV Larkspur, voyage 118.md",
            "# MV Larkspur, voyage 118\n\nRotterdam to Gdynia, 2,150 t of malt.\nLaycan 3 to 6 "
            "December. Demurrage 7,400 EUR a day.\n",
        ),
        (
            "Charters",
            "Fixtures.csv",
            "vessel,voyage,cargo,tonnes,laycan\nLarkspur,118,malt,2150,2026-12-03\nBittern,64,"
            "timber,1480,2026-12-09\n",
        ),
        (
            "Crew",
            "Muster list.csv",
            "rank,name,station\nmaster,E. Nowak,bridge\nchief mate,J. Aas,boat 1\nbosun,P. Silva,"
            "boat 2\n",
        ),
    ),
)

ORGANISATIONS = (ACME, GLOBEX)
