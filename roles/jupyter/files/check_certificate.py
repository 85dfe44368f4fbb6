"""Check that a certificate and a key are a pair, as a TLS server would use them: `- CERTIFICATE KEY`.

Prints the reason and exits with 1 where they are not.
"""

import ssl
import sys


def main():
    """Load the two files into a server's context, which compares them."""
    try:
        # An empty passphrase, else OpenSSL would ask for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*sys.argv[1:3], password="")
    except ssl.SSLError as error:  # OpenSSL names no reason where a file is no PEM at all
        sys.exit((error.reason or "no PEM certificate or no PEM key").lower().replace("_", " "))
    except OSError as error:
        sys.exit(error.strerror.lower())


if __name__ == "__main__":
    main()
