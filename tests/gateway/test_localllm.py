import pytest

from gateway import localllm


def test_without_its_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localllm, "find_spec", lambda name: None)
    monkeypatch.setattr("sys.argv", ["gateway.localllm"])
    with pytest.raises(SystemExit, match="make local-llm"):
        localllm.main()
