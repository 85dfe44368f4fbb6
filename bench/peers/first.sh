# What a blog post would have you do on one host, as root: driver, CUDA, cuDNN, conda, frameworks.
# The variables stand before this text: driver_* cuda_* cudnn_* conda_* environments (name|index|requirements), headers.
# No pins, no check of keys, nothing that a second run would need.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)
cd "$work"
apt-get update -q
apt-get install -qy --no-install-recommends curl ca-certificates
if [ -n "$driver_packages" ]; then
  echo "deb [trusted=yes] https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu $codename main" \
    > /etc/apt/sources.list.d/graphics-drivers.list
  apt-get update -q
  apt-get install -qy --no-install-recommends $headers $driver_packages
fi
for repository in $cuda_repository $cudnn_repository; do
  curl -fsSLO "$repository"
  dpkg -i "$(basename "$repository")"
done
if [ -n "$cuda_repository$cudnn_repository" ]; then
  cp /var/*-repo-*/*-keyring.gpg /usr/share/keyrings/
  apt-get update -q
  apt-get install -qy --no-install-recommends g++ $cuda_packages $cudnn_packages
  apt-mark hold $cudnn_packages $driver_packages
fi
curl -fsSL -o conda.sh "$conda_url"
bash conda.sh -b -p /opt/conda
for environment in $environments; do
  IFS='|' read -r name index requirements <<< "$environment"
  /opt/conda/bin/conda create -qy -p "/opt/dlconf/envs/$name" --override-channels -c conda-forge "python=$python" pip
  "/opt/dlconf/envs/$name/bin/pip" install -q ${index:+--extra-index-url "$index"} ipykernel ${requirements//,/ }
  "/opt/dlconf/envs/$name/bin/python" -m ipykernel install --name "$name" >/dev/null
done
rm -rf "$work"
