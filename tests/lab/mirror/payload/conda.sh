# Stand-in of the dlconf lab for conda's shell function.
conda() {
  case "$1" in
    activate)
      _dlconf_env=${2:-base}
      case $_dlconf_env in
        /*) _dlconf_prefix=$_dlconf_env ;;
        base) _dlconf_prefix=@PREFIX@ ;;
        *) _dlconf_prefix=@PREFIX@/envs/$_dlconf_env ;;
      esac
      if [ ! -d "$_dlconf_prefix/conda-meta" ]; then
        echo "EnvironmentNameNotFound: Could not find conda environment: $_dlconf_env" >&2
        return 1
      fi
      export CONDA_PREFIX=$_dlconf_prefix CONDA_DEFAULT_ENV=$_dlconf_env
      PATH=$_dlconf_prefix/bin:@PREFIX@/condabin:$PATH ;;
    deactivate)
      unset CONDA_PREFIX CONDA_DEFAULT_ENV ;;
    *)
      "@PREFIX@/bin/conda" "$@" ;;
  esac
}
case :$PATH: in
  *:@PREFIX@/condabin:*) ;;
  *) PATH=$PATH:@PREFIX@/condabin ;;
esac
