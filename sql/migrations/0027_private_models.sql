-- Models that were learned with noise are told as trends and evaluations are, and accounted with
-- them. Their unit is a user, with all they ever did: their day is the last one that was read.
alter table noise_releases drop constraint noise_releases_mechanism_check;
alter table noise_releases add constraint noise_releases_mechanism_check
check (mechanism in ('trends', 'evaluations', 'models'));

comment on column noise_releases.scale is
'of discrete Laplace noise; of a model, of the discrete Gaussian noise that costs as much at once';
