#!/bin/sh
# Step transform, once a section: {"section": .., "packages": [..]} on stdin becomes
# {"section": .., "packages": count, "size_kib": sum, "largest": name} on stdout. Perl, which every Debian has, reads JSON.
exec perl -MJSON::PP -e '
  local $/;
  my $in = decode_json(<STDIN>);
  my ($size, $largest) = (0, undef);
  for my $p (@{ $in->{packages} }) {
    $size += $p->{size_kib};
    $largest = $p if !defined $largest || $p->{size_kib} > $largest->{size_kib}
      || ($p->{size_kib} == $largest->{size_kib} && $p->{name} lt $largest->{name});
  }
  print encode_json({
    section  => $in->{section},
    packages => scalar @{ $in->{packages} },
    size_kib => $size,
    largest  => defined $largest ? $largest->{name} : undef,
  });
'
