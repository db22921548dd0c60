"""A small catalogue in each language is recognised without a mapping."""

import csv
import io
import unicodedata
from collections import Counter

import pytest

from app.importing.header import compact
from app.importing.importable_fields import HEADERS
from app.importing.mapping import Recorder, infer_mapping
from loaders.model import Document
from loaders.text import folded
from tests.importing.shell import Shell

CATALOGUES = {
    "Polish": """
        Tytuł;Cena;Czas trwania;Kategoria;Język;Opis;Prowadzący;Ocena;Poziom;Tryb
        Excel;1 299,00 zł;3 dni;Biuro;polski;O arkuszach;Jan Nowak;4,7 (55);podstawowy;stacjonarnie""",
    "German": """
        Titel;Preis;Dauer;Kategorie;Sprache;Beschreibung;Dozentin;Bewertung;Niveau;Lernform
        Excel;1.299,00 €;3 Tage;Büro;Deutsch;Über Tabellen;Jan Nowak;4,7 (55);Anfänger;Präsenz""",
    "French": """
        Titre;Prix;Durée;Catégorie;Langue;Description;Formateur;Évaluation;Niveau;Modalité
        Excel;1 299,00 €;3 jours;Bureau;français;Des tableaux;Jan Nowak;4,7 (55);débutant;présentiel""",
    "Spanish": """
        Título;Precio;Duración;Categoría;Idioma;Descripción;Profesor;Valoración;Nivel;Modalidad
        Excel;1.299,00 €;3 días;Oficina;español;De tablas;Jan Nowak;4,7 (55);básico;presencial""",
    "Italian": """
        Titolo;Prezzo;Durata;Categoria;Lingua;Descrizione;Docente;Valutazione;Livello;Modalità
        Excel;1.299,00 €;3 giorni;Ufficio;italiano;Di tabelle;Jan Nowak;4,7 (55);base;in presenza""",
    "Portuguese": """
        Título;Preço;Duração;Categoria;Idioma;Descrição;Formador;Avaliação;Nível;Modalidade
        Excel;1.299,00 €;3 dias;Escritório;português;De tabelas;Jan Nowak;4,7 (55);básico;presencial""",
    "Dutch": """
        Titel;Prijs;Duur;Categorie;Taal;Beschrijving;Docent;Beoordeling;Niveau;Lesvorm
        Excel;€ 1.299,00;3 dagen;Kantoor;Nederlands;Over tabellen;Jan Nowak;4,7 (55);basis;klassikaal""",
    "Czech": """
        Název;Cena;Délka;Kategorie;Jazyk;Popis;Lektor;Hodnocení;Úroveň;Forma výuky
        Excel;1 299,00 Kč;3 dny;Kancelář;čeština;O tabulkách;Jan Nowak;4,7 (55);začátečník;prezenčně""",
    "Russian": """
        Название;Цена;Длительность;Категория;Язык;Описание;Преподаватель;Рейтинг;Уровень;Форма обучения
        Excel;1 299,00 ₽;3 дня;Офис;русский;Таблицы;Jan Nowak;4,7 (55);начальный;очно""",
}  # fmt: skip
CODES = {
    "Polish": ("pl", "PLN"), "German": ("de", "EUR"), "French": ("fr", "EUR"), "Spanish": ("es", "EUR"),
    "Italian": ("it", "EUR"), "Portuguese": ("pt", "EUR"), "Dutch": ("nl", "EUR"), "Czech": ("cs", "CZK"),
    "Russian": ("ru", "RUB"),
}  # fmt: skip


def read(table: str) -> tuple[Document, list[str]]:
    """Returns the record of a table's only row, and the columns that are left out."""
    lines = "\n".join(line.strip() for line in table.strip().splitlines())
    (row,) = csv.DictReader(io.StringIO(lines), delimiter=";")
    mapping = infer_mapping("courses", list(row), [row])
    return Recorder(mapping).record(row), list(mapping.left_out)


@pytest.mark.parametrize("language", CATALOGUES)
def test_a_catalogue_is_recognised(language: str) -> None:
    record, left_out = read(CATALOGUES[language])
    description, category = record.pop("description"), record.pop("category")
    tag, currency = CODES[language]
    assert description
    assert category
    assert left_out == []
    assert record == {
        "id": "excel",
        "title": "Excel",
        "level": "BEGINNER",
        "deliveryModes": ["ONSITE"],
        "durationDays": 3,
        "language": tag,
        "price": {"amountMinor": 129_900, "currency": currency},
        "instructors": ["Jan Nowak"],
        "rating": {"average": 4.7, "count": 55},
    }


@pytest.mark.parametrize("form", ["NFC", "NFD", "without marks", "in capitals"])
def test_the_marks_of_latin_letters_do_not_matter(form: str) -> None:
    header, row = "Título;Duração;Preço;Nível", "A;3 dias;5 €;avançado"
    if form in ("NFC", "NFD"):
        header = unicodedata.normalize(form, header)  # type: ignore[arg-type]
    else:
        header = header.upper() if form == "in capitals" else "Titulo;Duracao;Preco;Nivel"
    record, left_out = read(f"{header}\n{row}")
    assert left_out == []
    assert sorted(record) == ["durationDays", "id", "level", "price", "title"]


@pytest.mark.parametrize(
    ("header", "cell", "field", "value"),
    [
        ("Price (PLN)", "5", "price", {"amountMinor": 500, "currency": "PLN"}),
        ("Cena [zł]", "5", "price", {"amountMinor": 500, "currency": "PLN"}),
        ("Preis in EUR", "5", "price", {"amountMinor": 500, "currency": "EUR"}),
        ("course_fee_inr", "5", "price", {"amountMinor": 500, "currency": "INR"}),
        ("Dauer (Wochen)", "2", "durationDays", 14),
        ("Czas trwania (godz.)", "16", "durationDays", 2),
        ("Durée en jours", "2", "durationDays", 2),
    ],
)
def test_a_currency_or_a_unit_may_follow_the_name(header: str, cell: str, field: str, value: object) -> None:
    record, _ = read(f"title;{header}\nA;{cell}")
    assert record[field] == value


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Tuition (FT)", "4500"), ("price all", "9"), ("Price / hour", "49 €"), ("Fee/month", "49 EUR"),
        ("Price (min)", "49 €"), ("Duration (hours/week)", "10"), ("Duration/week", "3"),
        ("Duration (EUR)", "3"),
    ],
)  # fmt: skip
def test_a_rate_or_another_word_after_the_name_is_no_unit(header: str, cell: str) -> None:
    document, _ = read(f"title;{header}\nA;{cell}")
    assert not {"price", "durationDays"} & {name for name, value in document.items() if value is not None}


def test_no_header_belongs_to_two_fields() -> None:
    keys = {
        field: {"".join(folded(compact(h))) for h in HEADERS["courses"][field]}
        for field in HEADERS["courses"]
    }
    counts = Counter(key for of_field in keys.values() for key in of_field)
    # "Course" is a title, or a code beside a column of titles.
    assert [key for key, count in counts.items() if count > 1] == ["course"]


def test_a_polish_catalogue_is_imported(shell: Shell) -> None:
    table = "\n".join(line.strip() for line in CATALOGUES["Polish"].strip().splitlines())
    file = shell.write("kursy.csv", table.encode("cp1250"))
    assert shell.ok("import", "courses", file, "--source", "s", "--encoding", "cp1250")["created"] == 1
    (course,) = shell.all("courses")
    assert (course["title"], course["durationDays"], course["language"]) == ("Excel", 3, "pl")
