"""Unpacks the data of ONNX's backend test suite, which ships in the `onnx` wheel, into target/onnx-backend.

    python3 scripts/fetch-onnx-data.py

Only pip is needed; nothing is installed.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

VERSION = "1.22.0"
PREFIX = "onnx/backend/test/data/"
TARGET = pathlib.Path(__file__).resolve().parent.parent / "target" / "onnx-backend" / VERSION


def main():
    if TARGET.is_dir():
        print(f"{TARGET} is there")
        return
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder]
        subprocess.run([*download, f"onnx=={VERSION}"], check=True)
        [wheel] = pathlib.Path(folder).glob("*.whl")
        unpacked = TARGET.with_name(f"{VERSION}.partial")
        shutil.rmtree(unpacked, ignore_errors=True)
        count = 0
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if member.filename.startswith(PREFIX) and not member.is_dir():
                    path = unpacked / member.filename.removeprefix(PREFIX)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive.read(member))
                    count += 1
        unpacked.rename(TARGET)
        print(f"{count} files in {TARGET}")


if __name__ == "__main__":
    main()
