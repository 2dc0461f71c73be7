from ganport_runtime.doctor import packages


def test_what_is_installed_here() -> None:
    versions = packages.versions()
    assert versions["numpy"]
    shown = packages.of_interest(versions | {"tensorrt-cu13": "10.14", "black": "25"})
    assert "black" not in shown
    assert {"numpy": versions["numpy"], "tensorrt-cu13": "10.14"}.items() <= shown.items()


def test_what_extras_lack() -> None:
    asked = [
        "numpy>=1.26",
        "onnxruntime-gpu[cuda,cudnn]>=1.20; extra == 'gpu'",
        "torch>=2.11; extra == 'train'",
        "tomli-w>=1.1; extra == 'train'",
        "tqdm; extra == 'train'",
        "uvloop>=0.21; (platform_system != 'Windows') and extra == 'serve'",
        "ruff>=0.9; extra == 'dev'",
    ]
    here = {"torch": "2.1.0+cu130", "tomli-w": "1.1.0", "uvloop": "0.21"}
    assert packages.lacking(asked, here) == {
        "gpu": ("onnxruntime-gpu",),
        "train": ("torch 2.11 or newer (here 2.1.0+cu130)", "tqdm"),
        "serve": (),
    }


def test_our_own_extras_are_known_by_name() -> None:
    extras = packages.lacking(packages.requirements(), {})
    assert {"cpu", "gpu", "openvino", "serve", "tools", "train", "export"} <= set(extras)
    assert "onnxruntime-gpu" in extras["gpu"]


def test_versions_compare_by_their_numbers() -> None:
    assert packages.numbers("2.9") < packages.numbers("2.11.0rc1+cu130")
    assert packages.numbers("580.65.06") == (580, 65, 6)
    assert packages.numbers("unknown") == ()
