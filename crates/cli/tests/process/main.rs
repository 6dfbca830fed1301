//! The binary as a user meets it: exit codes, what it prints where, signals.

#[cfg(test)]
mod certificates;
#[cfg(test)]
#[cfg(feature = "demo")]
mod check;
#[cfg(test)]
#[cfg(feature = "demo")]
mod cluster;
#[cfg(test)]
#[cfg(feature = "demo")]
mod demo;
#[cfg(test)]
#[path = "../flow/documented.rs"]
mod documented;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod program;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod status;
#[cfg(test)]
mod usage;
