"""Rules without a construct: what AWS would refuse later is refused at synth, and who deploys is checked before."""
