"""Role jupyter, mode lab: JupyterLab of one user, reached through `dlconf tunnel` with a browser."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from testinfra.host import Host

from tests.lab.browser import ANSWER_LIMIT_S, browser, log_in, run_cell, status, wait_for_lab

testinfra_hosts = ["ansible://cpu"]

UNIT = "dlconf-jupyter.service"


def test_a_cell_runs_in_the_kernel_of_a_framework(
    url: str, lab_password: str, tmp_path: Path
) -> None:
    with browser(url, tmp_path / "profile") as driver:
        log_in(
            driver, f"{url}lab?reset", {"password": lab_password}, "login_submit"
        )  # a second run restores no notebook
        wait_for_lab(driver)
        code = "import numpy, sys, os; print(sys.prefix, numpy.arange(5).sum(), os.environ['USER'])"
        assert run_cell(driver, "numpy (dlconf)", code) == "/opt/dlconf/envs/numpy 10 labpw"
        driver.save_screenshot(str(Path(os.environ["LAB_STATE"]) / "jupyterlab.png"))


def test_a_wrong_password_gets_nothing(url: str, tmp_path: Path) -> None:
    with browser(url, tmp_path / "profile") as driver:
        log_in(driver, url, {"password": "wrong"}, "login_submit")
        WebDriverWait(driver, ANSWER_LIMIT_S).until(
            lambda shown: "Invalid credentials" in shown.page_source
        )
        driver.get(f"{url}lab")
        assert urlsplit(driver.current_url).path == "/login"
        assert not driver.find_elements(By.CSS_SELECTOR, ".jp-LauncherCard")
        cookies = {cookie["name"] for cookie in driver.get_cookies()}
        assert not {name for name in cookies if name.startswith("username-")}


@pytest.mark.parametrize("path", ["/api/kernels", "/api/contents", "/api/terminals"])
def test_without_a_password_the_interfaces_are_closed(url: str, path: str) -> None:
    assert status(url, path) == 403


def test_it_listens_on_the_loopback_alone(host: Host) -> None:
    listening = host.check_output("ss -Hltn sport = :8888").split()
    assert listening[3] == "127.0.0.1:8888"
    assert listening.count("LISTEN") == 1


def test_the_service_runs_as_the_user_and_comes_back_when_killed(
    host: Host, main_process: Callable[[str], str]
) -> None:
    before = main_process(UNIT)
    assert host.check_output("ps -o user= -p %s", before) == "labpw"
    # The kernel of the cell runs still, and does not end by itself.
    assert host.check_output("systemctl show --value -p TimeoutStopUSec %s", UNIT) == "15s"
    host.check_output("kill -KILL %s", before)
    host.check_output(
        "timeout 300 sh -c 'until curl -fsko /dev/null https://127.0.0.1:8888/login; do sleep 1; done'"
    )
    assert main_process(UNIT) != before


@pytest.mark.parametrize(
    ("path", "owner", "mode"),
    [
        ("/etc/dlconf/jupyter/password_hash", "labpw", 0o600),
        ("/etc/dlconf/jupyter/key.pem", "labpw", 0o600),
        ("/etc/dlconf/jupyter/certificate.pem", "root", 0o644),
        ("/etc/dlconf/jupyter/lab.py", "root", 0o644),
        ("/etc/dlconf/jupyter", "root", 0o755),
    ],
)
def test_owners_and_modes(host: Host, path: str, owner: str, mode: int) -> None:
    found = host.file(path)
    assert (found.user, found.mode) == (owner, mode)


def test_the_password_is_stored_as_an_argon2_hash_and_stands_in_no_log(
    host: Host, lab_password: str
) -> None:
    stored = host.file("/etc/dlconf/jupyter/password_hash").content_string
    assert stored.startswith("argon2:$argon2id$")
    journal = host.check_output("journalctl --no-pager --output=cat")
    settings = host.check_output("cat /etc/dlconf/jupyter/*.py /etc/systemd/system/%s", UNIT)
    for secret in (lab_password, stored.strip().split("$")[-1]):
        assert secret not in journal
        assert secret not in settings


def test_the_user_s_own_settings_are_as_they_were(host: Host) -> None:
    found = host.file("/home/labpw/.jupyter/jupyter_server_config.json")
    assert json.loads(found.content_string) == {"ServerApp": {"port": 9999}}
    assert found.user == "labpw"
