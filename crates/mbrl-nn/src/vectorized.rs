//! Functions compiled once for each instruction set, and called for the one that the machine has.

/// Defines functions whose body is compiled with the widest vectors that the machine has.
///
/// A closure would not do: one that is too long to be inlined is compiled but once, for the oldest machine.
macro_rules! vectorized {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $out:ty $body:block)*) => {$(
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) -> $out {
            #[allow(non_camel_case_types, reason = "each argument's name is also the name of its type")]
            struct Pass<$($arg),*>($($arg),*);
            impl pulp::NullaryFnOnce for Pass<$($ty),*> {
                type Output = $out;

                #[inline(always)]
                fn call(self) -> $out {
                    let Pass($($arg),*) = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Pass($($arg),*))
        }
    )*};
}

pub(crate) use vectorized;
