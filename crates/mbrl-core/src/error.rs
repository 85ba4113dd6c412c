//! One error for the whole workspace: what went wrong, where on the way up it was noticed, and predicates to react to it.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything in the workspace that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in one line that names the thing and the mend.
///
/// Callers that react to an error ask a predicate ([`Error::is_corrupt`], …) or look at [`Error::kind`]; everybody else
/// prints it. Context added on the way up ([`Context`]) stands before the cause, separated by colons.
///
/// ```
/// use mbrl_core::{Context, Error};
///
/// let cause = Error::invalid("capacity is 0: give room for at least one row");
/// let error = Err::<(), _>(cause).context("replay buffer").unwrap_err();
/// assert!(error.is_invalid());
/// assert_eq!(error.to_string(), "replay buffer: capacity is 0: give room for at least one row");
/// ```
pub struct Error {
    // Boxed so that a `Result` in a hot path is one pointer wide on its error side.
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of failure that a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or a configuration value cannot be used: a wrong length, a number outside its range, an unknown name.
    Invalid,
    /// A number that must be finite is NaN or infinite.
    NonFinite,
    /// Stored bytes are damaged or are not what they should be.
    Corrupt,
    /// Stored bytes are sound, but of a format version that this build does not read.
    Version,
    /// Reading or writing failed: a missing file, a full disk.
    Io,
    /// The thing asked for does not exist here, such as restoring an environment that has no snapshots.
    Unsupported,
    /// A value changed between two calls that needed it unchanged.
    Stale,
    /// A numerical library reported a failure.
    Backend,
}

impl Error {
    #[cold]
    #[inline(never)]
    fn new(kind: ErrorKind, message: String, source: Option<Box<dyn StdError + Send + Sync>>) -> Self {
        Error { inner: Box::new(Inner { kind, message, context: Vec::new(), source }) }
    }

    /// An argument or configuration value that cannot be used.
    #[cold]
    pub fn invalid(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Invalid, message.to_string(), None)
    }

    /// A NaN or an infinity where only a number will do.
    #[cold]
    pub fn non_finite(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::NonFinite, message.to_string(), None)
    }

    /// Stored bytes that are damaged.
    #[cold]
    pub fn corrupt(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Corrupt, message.to_string(), None)
    }

    /// Stored bytes of a format version that this build does not read.
    #[cold]
    pub fn version(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Version, message.to_string(), None)
    }

    /// Something that does not exist here.
    #[cold]
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Unsupported, message.to_string(), None)
    }

    /// A value that changed between two calls that needed it unchanged.
    #[cold]
    pub fn stale(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Stale, message.to_string(), None)
    }

    /// A failure of reading or writing; say of what with [`Context::context`].
    #[cold]
    pub fn io(error: std::io::Error) -> Self {
        Error::new(ErrorKind::Io, error.to_string(), Some(Box::new(error)))
    }

    /// A failure of a numerical library.
    #[cold]
    pub fn backend(error: impl StdError + Send + Sync + 'static) -> Self {
        Error::new(ErrorKind::Backend, error.to_string(), Some(Box::new(error)))
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether an argument or a configuration value cannot be used.
    pub fn is_invalid(&self) -> bool {
        self.kind() == ErrorKind::Invalid
    }

    /// Whether a number was not finite.
    pub fn is_non_finite(&self) -> bool {
        self.kind() == ErrorKind::NonFinite
    }

    /// Whether stored bytes are damaged.
    pub fn is_corrupt(&self) -> bool {
        self.kind() == ErrorKind::Corrupt
    }

    /// Whether stored bytes are of a version that this build does not read.
    pub fn is_version(&self) -> bool {
        self.kind() == ErrorKind::Version
    }

    /// Whether reading or writing failed.
    pub fn is_io(&self) -> bool {
        self.kind() == ErrorKind::Io
    }

    /// Whether the thing asked for does not exist here.
    pub fn is_unsupported(&self) -> bool {
        self.kind() == ErrorKind::Unsupported
    }

    /// Whether a value changed that had to stay.
    pub fn is_stale(&self) -> bool {
        self.kind() == ErrorKind::Stale
    }

    /// Whether a numerical library failed.
    pub fn is_backend(&self) -> bool {
        self.kind() == ErrorKind::Backend
    }

    /// The same error, with what was being done put before it.
    #[must_use]
    #[cold]
    pub fn wrap(mut self, context: impl fmt::Display) -> Self {
        self.inner.context.push(context.to_string());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.inner.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.inner.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Adds what was being done to an error on its way up.
pub trait Context<T> {
    /// Puts `context` before the error's message.
    fn context(self, context: impl fmt::Display) -> Result<T>;

    /// Puts what `context` returns before the error's message; it runs only where there is an error.
    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.wrap(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| error.wrap(context()))
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::io(error).wrap(context))
    }

    fn with_context<C: fmt::Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        self.map_err(|error| Error::io(error).wrap(context()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_reads_from_the_outside_in() {
        let io = std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left");
        let error = Err::<(), _>(io).context("writing buffer.mbrl").context("checkpoint").unwrap_err();
        assert_eq!(error.to_string(), "checkpoint: writing buffer.mbrl: no space left");
        assert!(error.is_io());
        assert!(error.source().unwrap().downcast_ref::<std::io::Error>().is_some());
    }

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn each_constructor_answers_its_own_predicate_alone() {
        let all = [
            Error::invalid(""),
            Error::non_finite(""),
            Error::corrupt(""),
            Error::version(""),
            Error::io(std::io::Error::other("")),
            Error::unsupported(""),
            Error::stale(""),
            Error::backend(std::io::Error::other("")),
        ];
        for (i, error) in all.iter().enumerate() {
            let answers = [
                error.is_invalid(),
                error.is_non_finite(),
                error.is_corrupt(),
                error.is_version(),
                error.is_io(),
                error.is_unsupported(),
                error.is_stale(),
                error.is_backend(),
            ];
            assert_eq!(answers.iter().position(|&yes| yes), Some(i));
            assert_eq!(answers.iter().filter(|&&yes| yes).count(), 1);
        }
    }
}
