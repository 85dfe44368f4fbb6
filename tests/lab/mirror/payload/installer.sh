#!/bin/sh
# Stand-in of the dlconf lab for @NAME@: the options, messages and exit codes of the vendor's
# installer; the packages follow the last line of this text.
THIS=$0
PREFIX=$HOME/@DEFAULT_FOLDER@
BATCH=0
FORCE=0

while getopts "bfhip:sumt" option; do
  case "$option" in
    h)
      echo "usage: $0 [options]"
      echo
      echo "Installs @NAME@ (stand-in of the dlconf lab)"
      echo
      echo "-b           run install in batch mode (without manual intervention)"
      echo "-f           no error if install prefix already exists"
      echo "-h           print this help message and exit"
      echo "-p PREFIX    install prefix, defaults to $PREFIX, must not contain spaces."
      echo "-s           skip running pre/post-link/install scripts"
      echo "-u           update an existing installation"
      exit 2 ;;
    b) BATCH=1 ;;
    p) PREFIX=$OPTARG ;;
    f | u) FORCE=1 ;;
    s | m | t | i) ;;
    *)
      printf "ERROR: did not recognize option '%s', please try -h\n" "$option" >&2
      exit 1 ;;
  esac
done

if [ "$BATCH" = 0 ]; then
  printf 'Do you accept the license terms? [yes|no]\n>>> '
  read -r answer || answer=no
  case $answer in
    [yY] | [yY][eE][sS]) ;;
    *)
      echo "The license agreement wasn't approved, aborting installation." >&2
      exit 2 ;;
  esac
fi
case "$PREFIX" in
  *\ *)
    echo "ERROR: Cannot install into directories with spaces" >&2
    exit 1 ;;
esac
if [ "$FORCE" = 0 ] && [ -e "$PREFIX" ]; then
  printf "ERROR: File or directory already exists: '%s'\n" "$PREFIX" >&2
  echo "If you want to update an existing installation, use the -u option." >&2
  exit 1
fi
if ! mkdir -p "$PREFIX"; then
  printf "ERROR: Could not create directory: '%s'\n" "$PREFIX" >&2
  exit 1
fi
PREFIX=$(cd "$PREFIX" && pwd)
printf 'PREFIX=%s\n' "$PREFIX"
line=$(grep -an '^@@END_HEADER@@$' "$THIS" | head -n 1 | cut -d: -f1)
bootstrap=$PREFIX/pkgs/bootstrap
mkdir -p "$bootstrap"
echo "Unpacking payload ..."
if ! tail -n +$((line + 1)) "$THIS" | tar xz -C "$bootstrap"; then
  echo "ERROR: could not extract the payload" >&2
  exit 1
fi
printf '\nInstalling base environment...\n\n'
install_base() { PYTHONPATH=$bootstrap/lib python@PYTHON@ "$bootstrap/install_base.py" "$PREFIX"; }
# The solver under this stand-in now and then dies of a signal; what it had done, a second run goes on from.
install_base || { [ $? -gt 128 ] && install_base; } || exit 1
rm -rf "$bootstrap"
echo "installation finished."
exit 0
@@END_HEADER@@
