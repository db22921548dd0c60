"""Files in the encodings that spreadsheets and older systems write."""

import io
from pathlib import Path

import pytest

from app.importing.files import Row, open_source
from app.importing.files.encodings import detect
from tests.importing.shell import Shell

#: Titles in languages, and the encodings in which files with them are found.
TITLES = {
    "Język polski dla początkujących|Zażółć gęślą jaźń|Zarządzanie projektami|Księgowość i"
    " podatki|Ćwiczenia z matematyki"
    "|Źródła energii odnawialnej|Podstawy żeglarstwa śródlądowego|Wstęp do ćwiczeń": (
        "cp1250",
        "iso8859-2",
        "cp852",
    ),
    "Příliš žluťoučký kůň|Úvod do účetnictví|Čeština pro cizince|Řízení projektů ve veřejné správě|Základy"
    " programování"
    "|Dějiny českého umění|Fyzika pro střední školy|Lékařská etika": ("cp1250", "iso8859-2", "cp852"),
    "Árvíztűrő tükörfúrógép|Bevezetés a pénzügyekbe|Könyvelés kezdőknek|Számítógépes grafika|Történelem és"
    " művészet"
    "|Őszi képzés|Üzleti tervezés|Magyar nyelv külföldieknek": ("cp1250", "iso8859-2"),
    "Русский язык для начинающих|История России|Основы программирования|Математический анализ|Введение в"
    " экономику"
    "|Управление проектами|Физика для школьников|Базы данных": ("cp1251", "koi8-r", "cp866", "iso8859-5"),
    "Українська мова для іноземців|Історія України|Основи програмування|Вступ до економіки|Їжа та здоров'я"
    "|Фізика для школярів|Бази даних і мережі|Підприємництво": ("cp1251", "koi8-u"),
    "Εισαγωγή στον προγραμματισμό|Ελληνικά για αρχάριους|Ιστορία της Ελλάδας|Βασικές αρχές"
    " λογιστικής|Μαθηματικά"
    "|Διοίκηση έργων|Ψυχολογία της μάθησης|Τεχνητή νοημοσύνη": ("cp1253", "iso8859-7"),
    "Türkçe dil eğitimi|İşletme yönetimine giriş|Yazılım geliştirme|Şirketler için muhasebe|Çocuk gelişimi"
    "|Öğretmenlik becerileri|Güneş enerjisi sistemleri|Bilgisayar ağları": ("cp1254", "iso8859-9"),
    "מבוא לתכנות|עברית למתחילים|היסטוריה של ישראל|ניהול פרויקטים"
    "|חשבונאות בסיסית|מתמטיקה|בינה מלאכותית|כלכלה": ("cp1255",),
    "مقدمة في البرمجة|اللغة العربية للمبتدئين|تاريخ الحضارة|إدارة المشاريع|أساسيات المحاسبة|الرياضيات": (
        "cp1256",
    ),
    "Lietuvių kalba pradedantiesiems|Įvadas į programavimą|Žmogaus teisės ir pareigos|Šiuolaikinė ekonomika"
    "|Projektų valdymas įmonėje|Duomenų bazės ir tinklai|Vaikų ugdymas": ("cp1257",),
    "Einführung in die Programmierung für Anfänger|Höhere Mathematik|Grundlagen der Buchführung|Straßenbau"
    "|Öffentliches Recht|Ärztliche Ethik|Künstliche Intelligenz|Führung": (
        "cp1252",
        "iso8859-1",
        "mac-roman",
        "cp437",
        "cp850",
    ),
    "Introduction à la programmation|Français pour débutants|Économie européenne|Mathématiques appliquées"
    " à la santé"
    "|Création d'entreprise|Développement web avancé|Études littéraires": ("cp1252", "mac-roman", "cp850"),
    "プログラミング入門|日本語初級コース|経済学の基礎|データベース"
    "|歴史と文化|数学演習第一|人工知能の応用|会計学入門": (
        "cp932",
        "euc_jp",
        "iso2022_jp",
    ),
    "编程入门|汉语初级课程|经济学基础|数据库|中国历史与文化|高等数学|人工智能应用|会计学原理": ("gb18030",),
    "程式設計入門|華語初級課程|經濟學基礎|資料庫|中國歷史與文化|高等數學|人工智慧應用|會計學原理": ("big5",),
    "프로그래밍 입문|한국어 초급 과정|경제학의 기초"
    "|데이터베이스|한국의 역사와 문화|고급 수학|인공지능 응용": ("cp949",),
    "การเขียนโปรแกรมเบื้องต้น|ภาษาไทยสำหรับผู้เริ่มต้น|เศรษฐศาสตร์พื้นฐาน|ฐานข้อมูล|ประวัติศาสตร์ไทย": ("cp874",),
}
FILES = [(titles, encoding) for titles, encodings in TITLES.items() for encoding in encodings]


def table(titles: str, rows: int) -> str:
    listed = titles.split("|")
    return "id,title\n" + "".join(f"{n},{listed[n % len(listed)]}\n" for n in range(rows))


@pytest.mark.parametrize(("titles", "encoding"), FILES, ids=[encoding for _, encoding in FILES])
@pytest.mark.parametrize("english", [0, 20_000])
def test_an_encoding_is_detected_from_the_lines_that_show_it(
    titles: str, encoding: str, english: int
) -> None:
    """Wherever they are in the file."""
    text = "id,title\n" + "0,Plain English\n" * english + table(titles, 24)
    found = detect(io.BytesIO(text.encode(encoding)))
    assert text.encode(encoding).decode(found.name) == text
    assert found.uncertain is None
    assert found.stray == 0


@pytest.mark.parametrize("cell", ["49 €", "£49", "5 – 10", "it\u2019s “new”", "20 °C", "Word™"])
@pytest.mark.parametrize("rows", [2, 100])
def test_signs_alone_are_of_windows_1252(cell: str, rows: int) -> None:
    text = "id;title\n" + "".join(f"{n};{cell}\n" for n in range(rows))
    found = detect(io.BytesIO(text.encode("cp1252")))
    assert text.encode("cp1252").decode(found.name) == text
    assert found.uncertain == ("2 lines" if rows == 2 else None)


def test_lines_that_repeat_the_same_words_are_few(shell: Shell) -> None:
    rows = "".join(f"{n};{('Malmö', 'Göteborg')[n % 2]}\n" for n in range(60))
    assert detect(io.BytesIO(f"id;title\n{rows}".encode("cp1252"))).uncertain == "2 different words"


def test_a_guess_from_few_lines_is_told_and_can_be_overridden(shell: Shell) -> None:
    file = shell.write("c.csv", "id,title\n1,Język polski dla początkujących\n2,Żlu\n".encode("cp1250"))
    result = shell.run("import", "courses", file, "--source", "s")
    assert "assumed: the encoding is cp1250, guessed from only 2 lines (--encoding)" in result.stdout
    assert shell.all("courses")[0]["title"] == "Język polski dla początkujących"
    counts = shell.ok("import", "courses", file, "--source", "s", "--encoding", "latin-1")
    assert counts["updated"] == 2
    mapping = shell.write("m.toml", 'encoding = "cp1250"\n[fields]\nid = "id"\ntitle = "title"\n')
    assert shell.ok("import", "courses", file, "--source", "s", "--map", mapping)["updated"] == 2


def test_bytes_that_don_t_fit_are_told_with_a_line(shell: Shell) -> None:
    rows = "".join(f"{n},é\n" for n in range(1, 50)).encode()
    file = shell.write("c.csv", b"id,title\n" + rows + b"50,\x93quoted\x94\n51,fine\n")
    result = shell.run("import", "courses", file, "--source", "s")
    assert "note: 2 bytes can't be read as utf-8, first in line 51" in result.stdout
    assert {c["title"] for c in shell.all("courses")} == {"é", "“quoted”", "fine"}
    given = shell.run("import", "courses", file, "--source", "s", "--encoding", "ascii")
    assert "can't be read as ascii, first in line 2" in given.stdout


def test_an_unknown_encoding_is_an_error(shell: Shell) -> None:
    for encoding in ("klingon", "rot13"):
        result = shell.run(
            "import", "courses", shell.write("c.csv", "id\n1\n"), "--source", "s", "--encoding", encoding
        )
        assert result.exit_code == 1
        assert encoding in str(result.exception)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "c.csv"
    file.write_bytes("id,title\n1,Café Ökonomie\n".encode(encoding))
    source = open_source(str(file))
    assert [row.values for row in source.rows() if isinstance(row, Row)] == [
        {"id": "1", "title": "Café Ökonomie"}
    ]
    source.close()
