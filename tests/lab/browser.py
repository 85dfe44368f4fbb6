"""A headless Chromium that trusts one self-signed certificate, and what a user does with it in JupyterLab."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

ANSWER_LIMIT_S = 300
RUN_AGAIN_AFTER_S = 3
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--window-size=1400,900",
)


def certificate(url: str) -> str:
    """Return the certificate that a server shows, unchecked, as PEM."""
    address = urlsplit(url)
    return ssl.get_server_certificate((str(address.hostname), address.port or 443))


def pin(url: str) -> str:
    """Return the pin of a server's certificate: its public key's SHA-256 (RFC 7469, 2.4)."""
    key = x509.load_pem_x509_certificate(certificate(url).encode()).public_key()
    data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def status(url: str, path: str) -> int:
    """Return the status of a request without a log-in; the certificate is not checked."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = urlsplit(url)
    connection = http.client.HTTPSConnection(str(address.hostname), address.port, context=context)
    connection.request("GET", path)
    return connection.getresponse().status


@contextmanager
def browser(url: str, profile: Path) -> Iterator[webdriver.Chrome]:
    """Start Chromium with a fresh profile; all certificates are checked but the one of this server."""
    options = webdriver.ChromeOptions()
    flags = [f"--user-data-dir={profile}", f"--ignore-certificate-errors-spki-list={pin(url)}"]
    for flag in (*FLAGS, *flags):
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    driver = webdriver.Chrome(options, service)
    driver.set_page_load_timeout(ANSWER_LIMIT_S)
    driver.set_script_timeout(ANSWER_LIMIT_S)
    try:
        yield driver
    finally:
        driver.quit()


def click(driver: webdriver.Chrome, selector: str) -> None:
    """Click an element once it is there and takes clicks: JupyterLab draws a cell more than once before it stays."""
    not_yet = (
        ElementClickInterceptedException,
        ElementNotInteractableException,
        NoSuchElementException,
        StaleElementReferenceException,
    )

    def clicked(shown: webdriver.Chrome) -> bool:
        shown.find_element(By.CSS_SELECTOR, selector).click()
        return True

    WebDriverWait(driver, ANSWER_LIMIT_S, ignored_exceptions=not_yet).until(clicked)


def log_in(driver: webdriver.Chrome, url: str, fields: dict[str, str], button: str) -> None:
    """Fill in the log-in page and send it."""
    driver.get(url)
    for name, text in fields.items():
        driver.find_element(By.NAME, name).send_keys(text)
    driver.find_element(By.ID, button).click()


def wait_for_lab(driver: webdriver.Chrome) -> None:
    """Wait until JupyterLab shows its launcher with the kernels, and put away the dialogs over it."""
    WebDriverWait(driver, ANSWER_LIMIT_S).until(
        lambda shown: shown.find_elements(By.CSS_SELECTOR, ".jp-LauncherCard")
    )
    # On a busy machine a style sheet may come too late for JupyterLab, which then says so.
    script = (
        "document.querySelectorAll('.jp-Dialog .jp-mod-accept').forEach(button => button.click())"
    )
    driver.execute_script(script)


def run_cell(driver: webdriver.Chrome, kernel: str, code: str) -> str:
    """Open a notebook with a kernel from the launcher, run one cell, and return what it printed."""
    wait = WebDriverWait(driver, ANSWER_LIMIT_S)
    card = f".jp-LauncherCard[data-category='Notebook'][title^='{kernel}']"
    wait.until(lambda shown: shown.find_elements(By.CSS_SELECTOR, card))
    driver.execute_script(f'document.querySelector("{card}").click()')
    # Only when the kernel is there does the notebook keep what is typed.
    ready = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
    wait.until(lambda shown: shown.find_elements(By.CSS_SELECTOR, ready))
    first_cell = ".jp-Notebook .jp-CodeCell"
    click(driver, f"{first_cell} .cm-content")
    webdriver.ActionChains(driver).send_keys(code).perform()

    def printed(shown: webdriver.Chrome) -> str:
        outputs = shown.find_elements(By.CSS_SELECTOR, ".jp-OutputArea-output")
        if texts := [output.text for output in outputs if output.text]:
            return texts[0]
        prompt = shown.find_element(By.CSS_SELECTOR, f"{first_cell} .jp-InputPrompt").text
        if "*" not in prompt:  # a kernel on a busy machine drops what comes too early
            click(shown, f"{first_cell} .cm-content")
            keys = webdriver.ActionChains(shown).key_down(Keys.SHIFT).send_keys(Keys.ENTER)
            keys.key_up(Keys.SHIFT).perform()
        return ""

    return WebDriverWait(
        driver, ANSWER_LIMIT_S, RUN_AGAIN_AFTER_S, [StaleElementReferenceException]
    ).until(printed)
