//! The cluster as its clients see it: through kube's client, through plain HTTP, over a CSI socket.

#[cfg(test)]
mod csr;
#[cfg(test)]
mod fake_driver;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod raw;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod issuing;
#[cfg(test)]
mod kubelet;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod served;
