"""Role jupyter, mode hub: JupyterHub with the machine's own users, each with a server of systemd's."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.support.wait import WebDriverWait
from testinfra.host import Host

from tests.lab.browser import (
    ANSWER_LIMIT_S,
    browser,
    certificate,
    log_in,
    run_cell,
    status,
    wait_for_lab,
)

testinfra_hosts = ["ansible://rtx3090"]

MainProcess = Callable[[str], str]
STATE = Path(os.environ["LAB_STATE"])
UNIT = "dlconf-jupyter.service"
SERVER = "jupyter-labpw-singleuser.service"
KERNEL = "Python 3 (ipykernel)"
ANSWER = "curl -fsko /dev/null https://127.0.0.1:8888/hub/login"
WRONG = "Invalid username or password"


def test_a_user_logs_in_with_the_machine_s_password_and_runs_a_cell(
    host: Host, main_process: MainProcess, url: str, labpw_password: str, tmp_path: Path
) -> None:
    with browser(url, tmp_path / "profile") as driver:
        log_in(driver, url, {"username": "labpw", "password": labpw_password}, "login_submit")
        WebDriverWait(driver, ANSWER_LIMIT_S).until(
            lambda shown: urlsplit(shown.current_url).path.startswith("/user/labpw/lab")
        )
        driver.get(f"{url}user/labpw/lab?reset")  # a second run restores no notebook
        wait_for_lab(driver)
        code = "import os, sys; print(sys.prefix, os.getuid(), os.getcwd())"
        uid = host.user("labpw").uid
        assert run_cell(driver, KERNEL, code) == f"/opt/dlconf/jupyter {uid} /home/labpw"
        driver.save_screenshot(str(STATE / "jupyterhub.png"))
    assert main_process(SERVER) != "0"


def test_the_user_s_server_may_not_become_root(host: Host, main_process: MainProcess) -> None:
    """It runs still: closing the browser ends no server."""
    process = main_process(SERVER)
    rows = host.file(f"/proc/{process}/status").content_string.splitlines()
    assert "NoNewPrivs:\t1" in rows
    assert host.check_output("ps -o user= -p %s", process) == "labpw"


def test_a_restart_of_the_hub_leaves_the_users_servers_running(
    host: Host, main_process: MainProcess
) -> None:
    before = main_process(SERVER)
    host.check_output("systemctl restart %s", UNIT)
    host.check_output(f"timeout 300 sh -c 'until {ANSWER}; do sleep 1; done'")
    assert main_process(SERVER) == before


def test_it_shows_the_certificate_that_was_given(host: Host, url: str) -> None:
    assert certificate(url) == (STATE / "hub.pem").read_text()
    assert "notebooks.site.test" in host.check_output(
        "openssl x509 -noout -subject -in /etc/dlconf/jupyter/certificate.pem"
    )


@pytest.mark.parametrize("user", ["labpw", "root"])
def test_a_wrong_password_gets_nothing(url: str, tmp_path: Path, user: str) -> None:
    with browser(url, tmp_path / "profile") as driver:
        log_in(driver, url, {"username": user, "password": "wrong"}, "login_submit")
        WebDriverWait(driver, ANSWER_LIMIT_S).until(lambda shown: WRONG in shown.page_source)
        driver.get(f"{url}user/{user}/lab")
        assert urlsplit(driver.current_url).path == "/hub/login"


@pytest.fixture
def root_password(host: Host) -> Iterator[str]:
    """A password that root has for a while, at the machine itself and under a second name."""
    password = secrets.token_hex(12)
    host.check_output("cp -a /etc/shadow /etc/passwd /srv/")
    host.check_output("sh -c %s", "echo 'toor:x:0:0::/root:/bin/bash' >> /etc/passwd")
    host.check_output("sh -c %s", "echo 'toor:!:19000:0:99999:7:::' >> /etc/shadow")
    for user in ("root", "toor"):
        host.check_output("sh -c %s", f"echo {user}:{password} | chpasswd")
    host.check_output("systemctl restart %s", UNIT)
    host.check_output(f"timeout 300 sh -c 'until {ANSWER}; do sleep 1; done'")
    yield password
    host.check_output("cp -a /srv/shadow /srv/passwd /etc/")


def test_root_does_not_log_in_with_the_right_password(
    host: Host, url: str, root_password: str, tmp_path: Path
) -> None:
    for user in ("root", "toor"):
        with browser(url, tmp_path / user) as driver:
            log_in(driver, url, {"username": user, "password": root_password}, "login_submit")
            WebDriverWait(driver, ANSWER_LIMIT_S).until(lambda shown: WRONG in shown.page_source)
            driver.get(f"{url}user/{user}/lab")
            assert urlsplit(driver.current_url).path == "/hub/login"
    assert "User 'root' blocked" in host.check_output(f"journalctl --no-pager -o cat -u {UNIT}")


@pytest.mark.parametrize("path", ["/hub/api/users", "/hub/api/services", "/hub/api/proxy"])
def test_without_a_password_the_interfaces_are_closed(url: str, path: str) -> None:
    assert status(url, path) == 403


def test_it_listens_on_the_loopback_alone(host: Host) -> None:
    rows = host.check_output("ss -Hltn '( sport = :8888 or sport = :8001 or sport = :8081 )'")
    addresses = {row.split()[3] for row in rows.splitlines()}
    assert addresses == {"127.0.0.1:8888", "127.0.0.1:8001", "127.0.0.1:8081"}


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/etc/dlconf/jupyter/key.pem", 0o600),
        ("/etc/dlconf/jupyter/hub.py", 0o644),
        ("/var/lib/dlconf-jupyterhub", 0o700),
        ("/var/lib/dlconf-jupyterhub/cookie_secret", 0o600),
    ],
)
def test_owners_and_modes(host: Host, path: str, mode: int) -> None:
    found = host.file(path)
    assert (found.user, found.mode) == ("root", mode)


def test_the_password_stands_in_no_log(host: Host, labpw_password: str) -> None:
    assert labpw_password not in host.check_output("journalctl --no-pager --output=cat")
