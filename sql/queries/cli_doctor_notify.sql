notify "cascade.doctor"
