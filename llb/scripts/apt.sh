# shellcheck disable=SC2086 # the options are several words
o="-o Dir::Cache::archives=/run/medbuild/archives -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="
o="$o -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=true"
mkdir -p /run/medbuild/archives/partial
apt-get $o update -qq
apt-get $o$slim install -qq -y --no-install-recommends "$@"
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/cache/ldconfig/aux-cache /var/cache/apt/*.bin
