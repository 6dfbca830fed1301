//! Closed sets as values of a metric's label.

/// Gives each variant of an enum its text, in the letter case that is usual for Prometheus, and
/// lists all variants, so that a counter can exist with 0 before anything is counted.
///
/// ```
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Outcome {
///     Approved,
///     Denied,
/// }
///
/// svid_client::label_values! {
///     Outcome { Approved => "approved", Denied => "denied" }
/// }
/// assert_eq!(Outcome::ALL, [Outcome::Approved, Outcome::Denied]);
/// assert_eq!(Outcome::Denied.label(), "denied");
/// ```
#[macro_export]
macro_rules! label_values {
    ($($kind:ident { $($variant:ident => $text:literal),+ $(,)? })+) => {$(
        impl $kind {
            /// Every value there is.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label's text.
            pub(crate) fn label(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl $crate::prometheus_client::encoding::EncodeLabelValue for $kind {
            fn encode(
                &self,
                encoder: &mut $crate::prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> Result<(), std::fmt::Error> {
                self.label().encode(encoder)
            }
        }
    )+};
}
