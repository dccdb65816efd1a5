"""Sources: folders, files and standard input → articles, and what was skipped."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa.articles import Article, hash_text, make_article_id
from qa.errors import SourceError
from qa.formats import MAX_FILE_BYTES
from qa.sources import FORMATS, Details, Skipped, detect_language, make_source, parse_date, read_sources
from qa.text import clean_text

REPOSITORY = Path(__file__).parents[1]
BENCH = REPOSITORY.parent / "shared/bench/realtimeqa-2024-01/articles.jsonl.gz"
TEXT = "Trade between the two countries grew by a third in 2021, said the minister on Monday."


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(root: Path, *sources: str | Path, **options) -> list[Article | Skipped]:
    return list(read_sources(sources or [root], root=root, **options))


def read_one(root: Path, *sources: str | Path, **options) -> Article:
    (article,) = read(root, *sources, **options)
    assert isinstance(article, Article), article
    return article


def skip_one(root: Path, *sources: str | Path, **options) -> Skipped:
    (skipped,) = read(root, *sources, **options)
    assert isinstance(skipped, Skipped), skipped
    assert "\n" not in skipped.reason
    return skipped


# --- one article a file


def test_a_text_file_becomes_an_article(tmp_path):
    write(tmp_path / "news/trade.txt", f"Trade grows\n\n{TEXT}\n")
    assert read_one(tmp_path) == Article(
        id=make_article_id("news/trade.txt"),
        source="news/trade.txt",
        text=f"Trade grows\n\n{TEXT}\n",
        sha256=hash_text(f"Trade grows\n\n{TEXT}\n"),
        title="Trade grows",
        language="en",
    )


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("trade-record.txt", "Trade record"),
        ("000_bd7c40a6.TXT", "000 bd7c40a6"),
        ("NATO - a  history.md", "NATO a history"),
        ("über_uns.md", "Über uns"),
        ("v1.2.txt", "V1.2"),
    ],
)
def test_a_file_without_a_title_is_called_by_its_name(tmp_path, name, title):
    assert read_one(tmp_path, write(tmp_path / name, TEXT)).title == title


def test_a_name_of_dashes_still_gives_a_title(tmp_path):
    assert read_one(tmp_path, write(tmp_path / "---.md", TEXT)).title.startswith("Trade between the two countries")


def test_a_markdown_file_says_what_it_is_and_on_which_line_its_text_begins(tmp_path):
    front = "---\ntitle: T\npublisher: P\nauthor: A\npublished: 5 July 2022\nurl: https://x.org\nlang: en-GB\n---\n"
    path = write(tmp_path / "a.md", (front + "\n" + TEXT + "\n").replace("\n", "\r\n"))
    article = read_one(tmp_path, path)
    assert (article.title, article.publisher, article.author) == ("T", "P", "A")
    assert (article.published, article.url, article.language) == (date(2022, 7, 5), "https://x.org", "en")
    assert (article.text, article.first_line, article.line_at(3)) == (TEXT, 10, 10)


@pytest.mark.parametrize("suffix", [".html", ".htm", ".HTML"])
def test_a_web_page_becomes_an_article(tmp_path, suffix):
    body = f"<html><head><title>Trade grows</title></head><body><article><p>{TEXT}</p><p>{TEXT}!</p></article>"
    article = read_one(tmp_path, write(tmp_path / f"page{suffix}", body))
    assert (article.title, article.first_line, article.language) == ("Trade grows", 1, "en")
    assert article.text.startswith(TEXT)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00")))
def test_the_text_read_is_the_text_written_cleaned(tmp_path, text):
    path = write(tmp_path / "any.txt", text)
    (found,) = read(tmp_path, path)
    if isinstance(found, Article):
        assert found.text == clean_text(text)
        assert found.sha256 == hash_text(found.text)
        assert found.title.strip()
    else:
        assert found.reason.startswith("looks binary") or not clean_text(text).strip()


def test_what_the_user_says_overrides_what_the_source_says(tmp_path):
    path = write(tmp_path / "a.md", f"---\ntitle: T\npublisher: P\npublished: 2022-07-05\n---\n{TEXT}")
    said = Details(title=" My\ntitle ", author="Me", published=date(2020, 1, 2), url="")
    article = read_one(tmp_path, path, details=said)
    assert (article.title, article.author, article.published) == ("My title", "Me", date(2020, 1, 2))
    assert (article.publisher, article.url) == ("P", None)


def test_a_date_that_cannot_be_understood_is_no_date_and_no_error(tmp_path):
    path = write(tmp_path / "a.md", f"---\npublished: soon\n---\n{TEXT}")
    assert read_one(tmp_path, path).published is None


# --- folders and paths


def test_a_folder_is_read_in_sorted_order_with_its_folders(tmp_path):
    for name in ("b.txt", "a/z.md", "a/b/c.txt", "a.txt", "c.htm", "B.txt"):
        write(tmp_path / name, f"<html><body><article><p>{TEXT}" if name.endswith("htm") else TEXT)
    found = [item.source for item in read(tmp_path)]
    assert found == ["B.txt", "a/b/c.txt", "a/z.md", "a.txt", "b.txt", "c.htm"]


def test_hidden_files_and_folders_are_left_out_unless_named(tmp_path):
    for name in (".hidden.txt", ".git/a.txt", "seen.txt"):
        write(tmp_path / name, TEXT)
    assert [item.source for item in read(tmp_path)] == ["seen.txt"]
    assert [item.source for item in read(tmp_path, tmp_path / ".git")] == [".git/a.txt"]
    assert read_one(tmp_path, tmp_path / ".hidden.txt").source == ".hidden.txt"


def test_files_of_other_formats_are_told_once_per_suffix(tmp_path):
    for name in ("a.jpg", "b/b.JPG", "c.jpg", "README", "paper.pdf", "seen.txt"):
        write(tmp_path / name, TEXT)
    article, *skipped = read(tmp_path)
    assert isinstance(article, Article)
    formats = "not a format that is read; formats are: .txt .md .html .htm .jsonl .jsonl.gz .csv"
    assert skipped == [
        Skipped("README", formats),
        Skipped("a.jpg", formats + " (and 2 more like it)"),
        Skipped("paper.pdf", formats),
    ]


def test_a_named_file_of_another_format_is_told(tmp_path):
    skipped = skip_one(tmp_path, write(tmp_path / "paper.pdf", TEXT))
    assert skipped.reason.startswith("not a format that is read; formats are: .txt .md")


def test_links_in_a_circle_end_and_no_folder_is_read_twice(tmp_path):
    write(tmp_path / "a/one.txt", TEXT)
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "circle.txt").symlink_to(tmp_path / "circle.txt")
    article, circle = read(tmp_path)
    assert article.source == "a/one.txt"
    assert circle == Skipped("circle.txt", "cannot be read: Too many levels of symbolic links")


def test_a_link_to_a_file_is_read_under_its_own_name(tmp_path):
    write(tmp_path / "outside.txt", TEXT)
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    assert read_one(root).source == "link.txt"


def test_what_an_archive_has_built_is_not_read(tmp_path):
    write(tmp_path / "index/articles/a.txt", TEXT)
    write(tmp_path / "index/store/b.txt", TEXT)
    write(tmp_path / "elsewhere/catalog.sqlite", b"SQLite")
    write(tmp_path / "elsewhere/c.txt", TEXT)
    assert [item.source for item in read(tmp_path)] == ["index/articles/a.txt"]
    assert skip_one(tmp_path, tmp_path / "index/store").reason.startswith("a folder with nothing to read")


def test_a_folder_with_nothing_to_read_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    skipped = skip_one(tmp_path, tmp_path / "empty")
    assert skipped == Skipped("empty", f"a folder with nothing to read; formats are: {' '.join(FORMATS)}")


def test_a_source_is_named_by_its_path_in_the_workspace_or_else_in_full(tmp_path, monkeypatch):
    root = tmp_path / "work"
    inside, outside = write(root / "a/in.txt", TEXT), write(tmp_path / "out.txt", TEXT)
    monkeypatch.chdir(root / "a")
    for same in (inside, "in.txt", "../a/in.txt", root / "a/../a/in.txt"):
        assert read_one(root, same).source == "a/in.txt"
    assert read_one(root, outside).source == outside.as_posix()
    assert read_one(Path(".."), "in.txt").source == "a/in.txt"


def test_a_workspace_reached_by_a_link_names_its_files_alike(tmp_path):
    path = write(tmp_path / "work/a.txt", TEXT)
    (tmp_path / "link").symlink_to(tmp_path / "work")
    assert make_source(path, tmp_path / "link") == "a.txt"
    assert make_source(tmp_path / "link/a.txt", tmp_path / "work") == "a.txt"


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes are Linux's")
def test_a_file_name_that_is_no_utf_8_gives_a_source_that_can_be_stored(tmp_path):
    write(tmp_path / os.fsdecode(b"caf\xe9.txt"), TEXT)
    article = read_one(tmp_path)
    assert article.source == "caf\\udce9.txt"
    assert article.source.encode()


# --- what cannot be read


def test_a_missing_source_names_the_nearest_that_is_there(tmp_path):
    write(tmp_path / "articles.txt", TEXT)
    missing = str(tmp_path / "artcles.txt")
    expected = f"No file or folder '{missing}'. Did you mean 'articles.txt'?"
    assert skip_one(tmp_path, missing) == Skipped(missing, expected)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("no/such/folder/a.txt", "No file or folder 'no/such/folder/a.txt'."),
        ("", "No file or folder ''."),
        (" ", "No file or folder ' '."),
        ("a\0b.txt", "cannot be read: embedded null byte"),
        ("x" * 300 + ".txt", "cannot be read: File name too long"),
        ("http://example.org/a", "web pages are not read yet: save the page as .html and add the file"),
        ("HTTPS://example.org/a.txt", "web pages are not read yet: save the page as .html and add the file"),
        ("ftp://example.org/a", "web pages are not read yet: save the page as .html and add the file"),
    ],
)
def test_a_source_that_leads_nowhere_is_told(tmp_path, source, reason):
    assert skip_one(tmp_path, source) == Skipped(source, reason)


def test_a_path_through_a_file_is_told(tmp_path):
    source = str(write(tmp_path / "a.txt", TEXT) / "b.txt")
    assert skip_one(tmp_path, source) == Skipped(source, f"No file or folder '{source}'.")


def test_a_link_to_nothing_is_told(tmp_path):
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing.txt")
    assert skip_one(tmp_path) == Skipped("gone.txt", "cannot be read: No such file or directory")
    assert skip_one(tmp_path, tmp_path / "gone.txt").reason == "a link to a file that is not there"


BAD_FILES = [
    ("empty.txt", b"", "empty: it holds no text"),
    ("blank.txt", b" \n\t\r\n", "empty: it holds no text"),
    ("blank.md", b"---\ntitle: T\n---\n\n", "empty: it holds no text"),
    ("mark.txt", b"\xef\xbb\xbf\n", "empty: it holds no text"),
    ("blank16.txt", " \n".encode("utf-16"), "empty: it holds no text"),
    ("empty.jsonl", b"", "empty: it holds no text"),
    ("blank.jsonl", b"\n\n", "empty: it holds no text"),
    ("header.csv", b"title,text\n", "empty: it holds no records"),
    ("image.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "looks binary: it is not text, whatever its name says"),
    ("image.md", b"GIF89a\0\0", "looks binary: it is not text, whatever its name says"),
    ("image.html", b"GIF89a\0\0", "looks binary: it is not text, whatever its name says"),
    ("image.jsonl", b"GIF89a\0\0", "looks binary: it is not text, whatever its name says"),
    ("image.csv", b"GIF89a\0\0", "looks binary: it is not text, whatever its name says"),
    ("zip.jsonl.gz", gzip.compress(b"PK\x03\x04\0\0"), "looks binary: it is not text, whatever its name says"),
    ("plain.jsonl.gz", b'{"text": "not compressed"}', "cannot be read: Not a gzipped file (b'{\"')"),
    ("stump.jsonl.gz", gzip.compress(b"{}")[:9], "cannot be read: Compressed file ended before"),
    ("damaged.jsonl.gz", gzip.compress(b"{}")[:10] + b"\xff" * 20, "cannot be read: Error -3 while decompressing"),
    ("strange.txt", bytes(range(0x80, 0x100)) * 5, "its encoding is not recognised: save it as UTF-8"),
    ("yaml.md", b"---\ntitle: a: b\n---\nText", "its front matter is not valid YAML at line 2: mapping values"),
    ("page.html", b"<html></html>", "no article text found"),
]


@pytest.mark.parametrize(("name", "content", "reason"), BAD_FILES, ids=[name for name, *_ in BAD_FILES])
def test_a_file_that_is_no_article_is_skipped_with_a_reason(tmp_path, name, content, reason):
    skipped = skip_one(tmp_path, write(tmp_path / name, content))
    assert skipped.source == name
    assert skipped.reason.startswith(reason)


def test_bad_files_never_keep_good_ones_from_being_read(tmp_path):
    for number, (name, content, _) in enumerate(BAD_FILES):
        write(tmp_path / f"{number:02}-{name}", content)
        write(tmp_path / f"{number:02}-good.txt", TEXT)
    found = read(tmp_path)
    assert sum(isinstance(item, Article) for item in found) == len(BAD_FILES)
    assert sum(isinstance(item, Skipped) for item in found) == len(BAD_FILES)


@pytest.mark.parametrize("name", ["large.txt", "large.md", "large.html"])
def test_a_large_file_is_skipped_with_the_remedy(tmp_path, name):
    with (tmp_path / name).open("wb") as file:
        file.truncate(10 * MAX_FILE_BYTES)
    reason = "larger than 20 MB: split it, or make it .jsonl with one article a line"
    assert skip_one(tmp_path) == Skipped(name, reason)


def test_pipes_devices_and_folders_with_a_file_name_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "device.jsonl").symlink_to("/dev/zero")
    write(tmp_path / "folder.txt/inside.txt", TEXT)
    names = ["device.jsonl", "folder.txt", "pipe.txt"]
    assert read(tmp_path) == [Skipped(name, "not a regular file") for name in names]
    for name in names:
        assert skip_one(tmp_path, tmp_path / name) == Skipped(name, "not a regular file")
    assert skip_one(tmp_path, "/dev/zero") == Skipped("/dev/zero", "not a regular file")


# --- one article a record


def as_lines(*records: object) -> str:
    return "".join(record + "\n" if isinstance(record, str) else json.dumps(record) + "\n" for record in records)


RECORD = {
    "_id": 7,
    "URL": "https://x.org/a",
    "Headline": "Trade grows",
    "Authors": ["Ann", "Bo"],
    "source": {"id": None, "name": "The Daily"},
    "publish_date": "2022-07-05T10:00:00Z",
    "maintext": TEXT,
    "lang": "EN_us",
}


@pytest.mark.parametrize("name", ["news.jsonl", "news.jsonl.gz", "NEWS.JSONL.GZ"])
def test_each_line_of_json_lines_becomes_an_article(tmp_path, name):
    data = as_lines(RECORD).encode()
    path = write(tmp_path / name, gzip.compress(data) if name.lower().endswith("gz") else data)
    assert read_one(tmp_path, path) == Article(
        id=make_article_id(f"{name}#7"),
        source=f"{name}#7",
        text=TEXT,
        sha256=hash_text(TEXT),
        title="Trade grows",
        publisher="The Daily",
        author="Ann, Bo",
        published=date(2022, 7, 5),
        url="https://x.org/a",
        language="en",
    )


def test_each_row_of_a_table_becomes_an_article(tmp_path):
    rows = f'title;body;date\nTrade grows;"{TEXT}\nMore.";5.7.2022\n'
    article = read_one(tmp_path, write(tmp_path / "news.csv", rows.encode("utf-8-sig")))
    assert (article.source, article.title, article.text) == ("news.csv#line-2", "Trade grows", f"{TEXT}\nMore.")
    assert (article.published, article.language, article.first_line) == (date(2022, 7, 5), "en", 1)


def test_a_record_is_known_by_its_id_or_else_its_url_or_else_its_line(tmp_path):
    records = [{"id": "x", "url": "u", "text": "a"}, {"url": "u", "text": "b"}, {"id": "", "text": "c"}]
    found = read(tmp_path, write(tmp_path / "n.jsonl", as_lines(*records)))
    assert [item.source for item in found] == ["n.jsonl#x", "n.jsonl#u", "n.jsonl#line-3"]


def test_a_second_record_with_the_same_id_is_skipped_with_its_line(tmp_path):
    records = [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}, {"id": "1", "text": "c"}]
    found = read(tmp_path, write(tmp_path / "n.jsonl", as_lines(*records)))
    assert [item.text for item in found[:2]] == ["a", "b"]
    assert found[2] == Skipped("n.jsonl:3", "a second record with the id '1': the one on line 1 was read")


def test_the_same_id_in_two_files_is_two_articles(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / name, as_lines({"id": 1, "text": TEXT}))
    assert len({item.id for item in read(tmp_path)}) == 2


def test_a_broken_line_is_skipped_with_its_number_and_the_rest_is_read(tmp_path):
    lines = as_lines({"id": 1, "text": "a"}, "{broken", [1], {"title": "no text"}, {"id": 2, "text": "b"})
    found = read(tmp_path, write(tmp_path / "in/n.jsonl", lines))
    assert [item.source for item in found] == [
        "in/n.jsonl#1",
        "in/n.jsonl:2",
        "in/n.jsonl:3",
        "in/n.jsonl:4",
        "in/n.jsonl#2",
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Short line\nMore text.", "Short line"),
        ("One sentence.", "One sentence."),
        ("word " * 100, "word " * 14 + "word…"),
    ],
)
def test_a_record_without_a_title_is_called_by_how_it_begins(tmp_path, text, title):
    assert read_one(tmp_path, write(tmp_path / "n.jsonl", as_lines({"text": text}))).title == title


@pytest.mark.parametrize(
    ("said", "language"),
    [("ru", "ru"), ("pt-BR", "pt"), ("English", "en"), ("eng", "en"), ("", "en"), (7, "en"), (None, "en")],
)
def test_a_language_code_is_believed_and_anything_else_is_detected(tmp_path, said, language):
    article = read_one(tmp_path, write(tmp_path / "n.jsonl", as_lines({"text": TEXT, "language": said})))
    assert article.language == language


def test_fields_are_mapped_by_the_user(tmp_path):
    path = write(tmp_path / "n.jsonl", as_lines({"Story": TEXT, "when": "July 5, 2022"}))
    article = read_one(tmp_path, path, fields={"text": "story", "published": "when"})
    assert (article.text, article.published) == (TEXT, date(2022, 7, 5))


def test_a_field_that_is_not_ours_is_an_error_before_anything_is_read(tmp_path):
    with pytest.raises(SourceError) as caught:
        read_sources(["nowhere"], root=tmp_path, fields={"tittle": "headline"})
    assert str(caught.value).startswith("No field 'tittle'. Did you mean 'title'? Ours are: text, title, url, author")


def test_a_mapped_field_that_no_record_has_is_an_error_before_any_article(tmp_path):
    write(tmp_path / "n.jsonl", as_lines({"story": TEXT}, {"story": TEXT}))
    found = read_sources([tmp_path], root=tmp_path, fields={"text": "storry"})
    with pytest.raises(SourceError, match=r"No record of 'n.jsonl' has a field 'storry'. Did you mean 'story'\?"):
        next(found)


def test_records_are_read_lazily_and_one_at_a_time(tmp_path):
    line = as_lines({"published": "2022-07-05", "language": "en", "text": "x" * 100_000})
    path = write(tmp_path / "n.jsonl.gz", gzip.compress(line.encode() * 300, compresslevel=1))  # 30 MB of text
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_sources([path], root=tmp_path))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 300
    assert peak_bytes < 5_000_000


def test_reading_that_is_broken_off_leaves_no_file_open(tmp_path):
    path = write(tmp_path / "n.jsonl", as_lines(*({"id": number, "text": TEXT} for number in range(1_000))))
    found = read_sources([path], root=tmp_path)
    assert [item.source for item in itertools.islice(found, 2)] == ["n.jsonl#0", "n.jsonl#1"]
    found.close()  # filterwarnings turns a file left open into an error


# --- standard input


def test_standard_input_is_a_plain_text(tmp_path):
    stdin = io.BytesIO(f"Trade grows\n\n{TEXT}".encode())
    article = read_one(tmp_path, "-", stdin=stdin)
    assert article.source == f"stdin#{hash_text(article.text)[:12]}"
    assert (article.title, article.text) == ("Trade grows", f"Trade grows\n\n{TEXT}")
    assert not stdin.closed


def test_standard_input_that_begins_with_a_brace_is_json_lines(tmp_path):
    stdin = io.BytesIO(b"\xef\xbb\xbf \n" + as_lines({"id": 5, "text": TEXT}, "{", {"text": "Other."}).encode())
    first, broken, last = read(tmp_path, "-", stdin=stdin)
    assert first.source == "stdin#5"
    assert broken.source == "stdin:3"
    assert last.source == f"stdin#{hash_text('Other.')[:12]}"
    assert not stdin.closed


@pytest.mark.parametrize(
    ("data", "skipped"),
    [
        (b"", Skipped("stdin", "empty: it holds no text")),
        (b"\0\0\0", Skipped("stdin", "looks binary: it is not text, whatever its name says")),
        (
            b"x" * (MAX_FILE_BYTES + 9),
            Skipped("stdin", "larger than 20 MB: split it, or make it .jsonl with one article a line"),
        ),
        (None, Skipped("-", "standard input was not given")),
    ],
)
def test_standard_input_that_is_no_article_is_skipped(tmp_path, data, skipped):
    assert skip_one(tmp_path, "-", stdin=None if data is None else io.BytesIO(data)) == skipped


def test_a_pipe_is_read_as_standard_input(tmp_path):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stdin:
        with os.fdopen(writer, "wb") as out:
            out.write(as_lines({"id": 1, "text": TEXT}, {"id": 2, "text": TEXT}).encode())
        assert [item.source for item in read(tmp_path, "-", stdin=stdin)] == ["stdin#1", "stdin#2"]


def test_a_folder_as_standard_input_is_told(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with io.FileIO(os.devnull) as stdin:
            os.dup2(descriptor, stdin.fileno())
            assert skip_one(tmp_path, "-", stdin=stdin) == Skipped("stdin", "cannot be read: Is a directory")
    finally:
        os.close(descriptor)


# --- dates and languages


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2022-07-05", date(2022, 7, 5)),
        (" 2022-07-05 ", date(2022, 7, 5)),
        ("2022-07-05T23:30:00-05:00", date(2022, 7, 5)),
        ("2022-07-05 23:30:00", date(2022, 7, 5)),
        ("20220705", date(2022, 7, 5)),
        ("20220705T233000Z", date(2022, 7, 5)),
        ("20220705233000", date(2022, 7, 5)),
        ("1657000000", date(2022, 7, 5)),
        ("1657000000.25", date(2022, 7, 5)),
        ("1657000000000", date(2022, 7, 5)),
        ("5 July 2022", date(2022, 7, 5)),
        ("July 5, 2022", date(2022, 7, 5)),
        ("Jul. 5, 2022", date(2022, 7, 5)),
        ("5th of July, 2022", date(2022, 7, 5)),
        ("Tue, 05 Jul 2022 23:30:00 -0500", date(2022, 7, 5)),
        ("2022/07/05", date(2022, 7, 5)),
        ("2022-7-5", date(2022, 7, 5)),
        ("07/05/2022", date(2022, 7, 5)),
        ("25/12/2021", date(2021, 12, 25)),
        ("5.7.2022", date(2022, 7, 5)),
        ("05.07.2022 10:30", date(2022, 7, 5)),
    ],
)
def test_a_full_date_is_understood(text, found):
    assert parse_date(text) == found


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "soon", "12", "2021", "2021-05", "May 2021", "July 5", "10:30", "Monday", "1/2", "123456"),
        *("yesterday", "today", "now", "2 days ago", "in 3 days", "last week", "5 juillet 2022"),
        *("2022-02-30", "2022-13-01", "20221301", "31 February 2022", "0000-00-00", "99999999999999"),
        *("July 5 2022 to July 7 2022", "5 July 2022 " * 20, "²", "2022-07-05x"),
    ],
)
def test_what_is_no_full_date_is_none(text):
    assert parse_date(text) is None


@given(st.dates(), st.sampled_from(["", "T10:00:00Z", " 23:59", "T00:00:00.123456+14:00", ", morning"]))
def test_every_iso_date_is_the_day_it_names(day, rest):
    assert parse_date(day.isoformat() + rest) == day
    assert parse_date(day.strftime("%Y%m%d").zfill(8)) == day


@given(st.datetimes(datetime(1973, 3, 4), datetime(2286, 1, 1)))
def test_every_number_of_seconds_or_milliseconds_is_its_day_in_utc(moment):
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    assert parse_date(str(seconds)) == moment.date()
    if seconds > 10**9:
        assert parse_date(f"{seconds}999") == moment.date()


DATE_WORDS = "5 July 2022 10:30 pm GMT +05:00 99 31 Feb of , th - / . at 0 00 ² ٣ 1e9".split(" ")


@settings(deadline=None)
@given(st.text(max_size=30) | st.lists(st.sampled_from(DATE_WORDS), max_size=8).map(" ".join))
def test_any_text_at_all_is_a_date_or_none(text):
    assert isinstance(parse_date(text), date | None)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (TEXT, "en"),
        (TEXT.upper(), "en"),
        ("Le commerce entre les deux pays a augmenté d’un tiers en 2021, a dit le ministre.", "fr"),
        ("Der Handel zwischen den beiden Ländern wuchs 2021 um ein Drittel, sagte der Minister.", "de"),
        ("Торговля между двумя странами выросла на треть в 2021 году, сказал министр.", "ru"),
        ("Екі ел арасындағы сауда айналымы 2021 жылы үштен біріне өсті, деді министр.", "kk"),
        ("两国之间的贸易额在2021年增长了三分之一，部长在星期一的讲话中说道，明年还会继续增长。", "zh"),
        ("", None),
        ("Trade grew.", None),
        ("24.2 13 9 23 2021 " * 50, None),
        ("Gotabaya, Mahinda Rajapaksa, Ekaterinburg", None),
        ("12 43 55 abc def ghi jkl mno pqr stu vwx yz", None),
    ],
)
def test_a_language_is_told_only_where_it_is_clear(text, language):
    assert detect_language(text) == language
    assert detect_language(text) == language


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_at_all_has_a_two_letter_language_or_none(text):
    language = detect_language(text)
    assert language is None or len(language) == 2


def test_only_the_beginning_of_a_text_is_looked_at():
    assert detect_language(TEXT * 30 + "Торговля между странами. " * 10_000) == "en"


# --- what it costs, and real articles


def loaded_by(code: str, *arguments: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    return set(run.stdout.split())


HEAVY = {"trafilatura", "lxml", "dateparser", "frontmatter", "yaml", "charset_normalizer"}


def test_importing_it_loads_no_library_that_reads_formats():
    assert not loaded_by("import qa.sources") & (HEAVY | {"py3langid"})


def test_json_lines_with_iso_dates_load_nothing_but_the_language_library(tmp_path):
    path = write(tmp_path / "n.jsonl", as_lines({"text": TEXT, "date": "2022-07-05"}))
    code = (
        "from pathlib import Path; from qa.sources import read_sources; "
        "assert len(list(read_sources([sys.argv[1]], root=Path()))) == 1"
    )
    loaded = loaded_by(code, str(path))
    assert not loaded & HEAVY
    assert "py3langid" in loaded


def test_every_line_of_the_sample_articles_is_the_line_of_its_file():
    found = list(read_sources([REPOSITORY / "index/articles"], root=REPOSITORY))
    assert len(found) >= 8
    for article in found:
        assert isinstance(article, Article), article
        assert (article.language, article.publisher) == ("en", "sample archive")
        assert article.published is not None
        lines = (REPOSITORY / article.source).read_text().split("\n")
        for number, line in enumerate(article.text.split("\n")):
            assert lines[article.first_line - 1 + number].rstrip() == line.rstrip()


@pytest.mark.skipif(not BENCH.exists(), reason=f"the real news of {BENCH} are not here")
def test_real_news_are_all_read_and_all_known_to_be_english():
    found = list(itertools.islice(read_sources([BENCH], root=REPOSITORY), 100))
    assert {type(item) for item in found} == {Article}
    assert {item.language for item in found} == {"en"}
