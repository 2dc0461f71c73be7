"""`/v1/generate` and `/v1/translate` give the images of the library in every form."""

import base64
import io
import json
import zipfile
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import product
import pytest
import recorded
from serving import TRANSLATE, Service, ask, data_url, header, pixels, png

PINK = {"hair": "pink", "eyes": "green"}


@pytest.mark.parametrize(("form", "media"), [("png", "image/png"), ("webp", "image/webp")])
def test_generate_one_image_gives_a_file_with_its_origin(
    service: Service, generators: dict[str, Any], form: str, media: str, tmp_path: Path
) -> None:
    response = ask(service, {"conditions": PINK, "seed": 7, "output": form})
    assert (response.status_code, response.headers["content-type"]) == (200, media)
    assert (header(response, "ganport-seeds"), header(response, "ganport-device")) == ("7", "cpu")
    assert header(response, "ganport-shape") is None
    assert np.array_equal(pixels(response.content), generators["faces"].generate(PINK, seed=7)[0])
    (tmp_path / "file").write_bytes(response.content)
    texts = product.public("ganport_runtime.pictures.metadata")(tmp_path / "file")
    assert texts["ganport.digest"] == generators["faces"].bundle.digest
    assert json.loads(texts["ganport.pictures"]) == [{"seed": "7", "condition": PINK}]


def test_generate_raw_gives_bytes_and_their_shape(
    service: Service, generators: dict[str, Any]
) -> None:
    fields = {"conditions": [PINK, "black hair", {}], "seed": 1, "temperature": 0.5}
    response = ask(service, fields | {"output": "raw"})
    expected = generators["faces"].generate([PINK, "black hair", {}], seed=1, temperature=0.5)
    assert response.content == expected.tobytes()
    assert response.headers["content-type"] == "application/octet-stream"
    assert header(response, "ganport-shape") == "3, 8, 8, 3"
    assert header(response, "ganport-seeds") == "1..3"


def test_generate_npy_gives_what_numpy_reads(service: Service, generators: dict[str, Any]) -> None:
    response = ask(service, {"seeds": [str(2**64 - 1), 0, 5], "output": "npy"})
    expected = generators["faces"].generate(seeds=[2**64 - 1, 0, 5])
    assert response.headers["content-type"] == "application/x-npy"
    assert np.array_equal(np.load(io.BytesIO(response.content)), expected)
    assert header(response, "ganport-seeds") == f"{2**64 - 1}, 0, 5"


def test_generate_several_gives_a_zip_with_index(
    service: Service, generators: dict[str, Any]
) -> None:
    response = ask(service, {"conditions": "pink hair", "seed": 7, "count": 2})
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.namelist() == ["index.json", "000.png", "001.png"]
        index = product.original(json.loads(archive.read("index.json")), "service")
        images = [pixels(archive.read(f"00{i}.png")) for i in range(2)]
    condition = {"hair": "pink", "eyes": "blue"}
    assert index == {
        "bundle": "tiny",
        "digest": generators["faces"].bundle.digest,
        "pictures": [
            {"image": f"00{i}.png", "seed": str(7 + i), "condition": condition} for i in range(2)
        ],
    }
    assert np.array_equal(images, generators["faces"].generate("pink hair", seed=7, count=2))


@pytest.mark.parametrize("how", ["accept", "field"])
def test_generate_multipart_gives_the_same_parts(service: Service, how: str) -> None:
    fields = {"seed": 7, "count": 2} | ({"container": "multipart"} if how == "field" else {})
    response = ask(service, fields, Accept="multipart/mixed" if how == "accept" else "*/*")
    parts = parts_of(response)
    assert response.headers["content-type"].startswith("multipart/mixed")
    assert [part.get_content_type() for part in parts] == [
        "application/json",
        "image/png",
        "image/png",
    ]
    assert json.loads(parts[0].get_content())["digest"]


def parts_of(response: httpx.Response) -> list[Any]:
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + response.content, policy=default)
    return list(message.iter_parts())


def test_generate_json_container_gives_data_urls(
    service: Service, generators: dict[str, Any]
) -> None:
    response = ask(service, {"seed": 7, "count": 2, "container": "json"})
    pictures = product.original(response.json(), "service")["pictures"]
    images = [pixels(data_url(picture["image"])) for picture in pictures]
    assert np.array_equal(images, generators["faces"].generate(seed=7, count=2))


def test_generate_sheet_gives_an_atlas_and_its_index(
    service: Service, generators: dict[str, Any]
) -> None:
    response = ask(service, {"seed": 7, "count": 5, "output": "sheet", "columns": 2})
    sheet = product.original(response.json(), "service")
    assert response.headers["content-type"] == "application/json"
    meta = sheet["meta"]
    atlas = pixels(data_url(meta.pop("image")))
    assert meta.pop("digest") == generators["faces"].bundle.digest
    assert meta == {
        "app": "ganport",
        "version": "1",
        "format": "RGB888",
        "size": {"w": 16, "h": 24},
        "scale": "1",
        "columns": 2,
        "rows": 3,
        "bundle": "tiny",
    }
    assert sheet["frames"][3] == {
        "filename": "3",
        "frame": {"x": 8, "y": 8, "w": 8, "h": 8},
        "rotated": False,
        "trimmed": False,
        "spriteSourceSize": {"x": 0, "y": 0, "w": 8, "h": 8},
        "sourceSize": {"w": 8, "h": 8},
        "seed": "10",
        "condition": {"hair": "black", "eyes": "blue"},
    }
    assert np.array_equal(atlas[8:16, 8:16], generators["faces"].generate(seed=10)[0])


def test_generate_sheet_zip_gives_two_files(service: Service) -> None:
    fields = {"count": 4, "output": "sheet", "container": "zip", "quality": 80}
    with zipfile.ZipFile(io.BytesIO(ask(service, fields).content)) as archive:
        assert archive.namelist() == ["sheet.json", "sheet.webp"]
        assert json.loads(archive.read("sheet.json"))["meta"]["image"] == "sheet.webp"


def test_generate_without_seed_reports_one_that_gives_the_image_again(service: Service) -> None:
    first = ask(service, {"output": "raw"})
    seed = header(first, "ganport-seeds")
    assert int(str(seed)) < 2**53
    assert ask(service, {"output": "raw", "seed": seed}).content == first.content


def test_generate_reports_its_times(service: Service) -> None:
    names = [part.partition(";dur=")[0] for part in timing(ask(service, {}))]
    assert names == ["queue", "compute", "encode"]
    assert all(float(part.partition(";dur=")[2]) >= 0 for part in timing(ask(service, {})))


def timing(response: httpx.Response) -> list[str]:
    return str(header(response, "server-timing")).split(", ")


def test_translate_image_as_body_gives_what_the_library_gives(
    service: Service, generators: dict[str, Any]
) -> None:
    (image,) = recorded.images(1, 8)
    query = {"bundle": "changer", "conditions": "smiling", "output": "raw"}
    response = service.client.post(
        TRANSLATE, params=query, content=png(image), headers={"Content-Type": "image/png"}
    )
    assert response.content == generators["changer"].translate(image[None], "smiling").tobytes()
    assert header(response, "ganport-seeds") is None


def test_translate_images_in_json_gives_what_the_library_gives(
    service: Service, generators: dict[str, Any]
) -> None:
    images = recorded.images(2, 8)
    files = [base64.b64encode(png(image)).decode() for image in images]
    fields = {"bundle": "changer", "images": files, "output": "raw", "conditions": [{}, "young"]}
    response = ask(service, fields, TRANSLATE)
    assert response.content == generators["changer"].translate(images, [{}, "young"]).tobytes()


def test_translate_wide_image_is_cut_or_squeezed(
    service: Service, generators: dict[str, Any]
) -> None:
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = (200, 90, 30)  # the centre that is cut out
    files = [base64.b64encode(png(wide)).decode()]
    fields = {"bundle": "changer", "images": files, "output": "raw"}
    cut = ask(service, fields, TRANSLATE).content
    assert cut == generators["changer"].translate(wide[None, :, 4:12]).tobytes()
    assert ask(service, fields | {"whole": True}, TRANSLATE).content != cut
