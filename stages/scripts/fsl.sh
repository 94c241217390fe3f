# shellcheck shell=sh disable=SC2086 # no name here has a blank
mkdir -p etc
echo @VERSION@ >etc/fslversion
set --
for c in eddy_openmp eddy_cpu eddy; do [ ! -e bin/$c ] || set -- "$@" $c; done
if [ $# = 1 ]; then for d in bin share/fsl/bin; do for c in eddy_openmp eddy_cpu eddy; do
  [ ! -e $d/$1 ] || [ -e $d/$c ] || ln -s $1 $d/$c
done; done; fi
