//! `bounds`: what a bound of theory comes to, and whether it says anything.

mod document;
mod example;
mod figure;
mod labels;
mod sweep;
mod text;

use crate::plot::Theme;
use crate::{Outcome, out};
use document::Document;
use mbrl_bounds::{BOUNDS, Bound, Discounted, Family, Quantity, Symbol, Symbols, Value, mopo};
use mbrl_core::{Context, Error, Result, nearest};
use std::path::{Path, PathBuf};
use sweep::Sweep;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
A symbol that is of the bound's family but not in it is accepted and ignored.
`cargo xtask bounds` lists the bounds and what each needs.")]
pub(crate) struct Args {
    /// The bound; if not given, all of them are listed.
    name: Option<String>,
    /// The symbol against which the bound is shown.
    #[arg(long, value_name = "SYMBOL")]
    against: Option<String>,
    /// Draw the bound against that symbol, as .svg or as .png; a file of that name is replaced.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print one JSON document and nothing else. Where its `vacuous_above` is null, whether the bound is vacuous is unknown,
    /// and its `vacuous` is false.
    #[arg(long)]
    json: bool,
    // Last, as what follows would be listed as a symbol.
    #[command(flatten)]
    given: Given,
}

/// The symbols, spelt out. A number out of its range is refused by the bounds, which say what the range is.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Symbols")]
struct Given {
    /// γ, the discount.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    gamma: Option<f64>,
    /// r_max, the largest size of a reward; for the regret, the length of the interval that rewards lie in. 1 if not given.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    r_max: Option<f64>,
    /// ε_m, the error of the model under the policy that collected the data; for theorem 4.3 and k*, ε_m′ under the new one.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    eps_m: Option<f64>,
    /// ε_π, how far the policy is from the one that collected the data.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    eps_pi: Option<f64>,
    /// k, the steps of a rollout.
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    k: Option<f64>,
    /// λ, the weight of the penalty.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    lambda: Option<f64>,
    /// ε_u, the discounted sum of the error estimate that the policy meets in the model.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    eps_u: Option<f64>,
    /// H, the steps of an episode.
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    horizon: Option<f64>,
    /// K, the number of episodes.
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    episodes: Option<f64>,
    /// ℍ(π*), the entropy of the prior over optimal policies, in nats.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    entropy: Option<f64>,
    /// C, the constant of the problem: half the number of policies.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    c: Option<f64>,
    /// E[KL(q_k ‖ p_k)] of one episode, in nats: one number that holds for every episode, or K numbers separated by commas.
    #[arg(long, value_name = "X,…", value_parser = number, value_delimiter = ',', allow_hyphen_values = true)]
    kl: Option<Vec<f64>>,
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

/// A bound at its symbols: what all output is made of.
struct Evaluated {
    bound: &'static Bound,
    symbols: Symbols,
    value: Value,
    /// Of those bounds that depend on anything.
    sweep: Option<Sweep>,
    notes: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let Some(name) = &args.name else {
        args.expect_nothing()?;
        if args.json {
            out::json(&document::listed())?;
        } else {
            text::list()?;
        }
        return Ok(Outcome::Well);
    };
    let bound = Bound::find(name)?;
    let draw = args.plot.as_deref().map(Format::of).transpose()?;
    let evaluated = Evaluated::new(bound, args.given.symbols()?, args.against.as_deref())?;
    if let (Some(file), Some(format)) = (&args.plot, draw) {
        let figure = figure::draw(&evaluated)?;
        let bytes = match format {
            Format::Svg => figure.svg()?.into_bytes(),
            Format::Png => figure.png(Theme::Light, 2.0)?,
        };
        mbrl_buffer::write_aside(file, |out| out.write_all(&bytes).context("writing")).context("--plot")?;
        if !args.json {
            out::progress(format_args!("wrote {}", file.display()));
        }
    }
    if args.json {
        out::json(&Document::of(&evaluated)?)?;
    } else {
        text::print(&evaluated)?;
    }
    Ok(Outcome::Well)
}

impl Args {
    /// Symbols say nothing of a list.
    fn expect_nothing(&self) -> Result<()> {
        let symbols = self.given.symbols()?;
        let symbol = Symbol::ALL.into_iter().find(|symbol| symbols.has(*symbol)).map(Symbol::flag);
        let flag = symbol.or(self.against.as_ref().map(|_| "against")).or(self.plot.as_ref().map(|_| "plot"));
        match flag {
            None => Ok(()),
            Some(flag) => {
                let names = BOUNDS.iter().map(|bound| bound.name).collect::<Vec<_>>().join(", ");
                Err(Error::invalid(format_args!("--{flag} of which bound? Name one: {names}")))
            }
        }
    }
}

impl Given {
    fn symbols(&self) -> Result<Symbols> {
        let mut symbols = Symbols::default();
        for (symbol, number) in [
            (Symbol::Gamma, self.gamma),
            (Symbol::RMax, self.r_max),
            (Symbol::EpsM, self.eps_m),
            (Symbol::EpsPi, self.eps_pi),
            (Symbol::K, self.k),
            (Symbol::Lambda, self.lambda),
            (Symbol::EpsU, self.eps_u),
            (Symbol::Horizon, self.horizon),
            (Symbol::Episodes, self.episodes),
            (Symbol::Entropy, self.entropy),
            (Symbol::C, self.c),
        ] {
            number.map_or(Ok(()), |number| symbols.set(symbol, number))?;
        }
        let kl = self.kl.iter().flatten();
        kl.clone().try_for_each(|kl| symbols.set(Symbol::Kl, *kl))?;
        symbols.kl = self.kl.clone();
        Ok(symbols)
    }
}

impl Evaluated {
    fn new(bound: &'static Bound, mut symbols: Symbols, against: Option<&str>) -> Result<Self> {
        let mut notes = Vec::new();
        let is_mopo = bound.family == Family::Mopo;
        if symbols.r_max.is_none()
            && (bound.needs.contains(&Symbol::RMax) || is_mopo && symbols.gamma.is_some())
        {
            symbols.r_max = Some(1.0);
            let unit =
                if bound.family == Family::Psrl { "the interval of rewards" } else { "the largest reward" };
            notes.push(format!("r-max is not given: 1, which makes {unit} the unit"));
        }
        let value = bound.evaluate(&symbols)?;
        notes.extend(match bound.quantity {
            _ if is_mopo => on_mopo(&symbols)?,
            Quantity::Regret => on_entropy(&symbols),
            _ => None,
        });
        let sweep = match against {
            Some(name) => Some(Sweep::new(bound, &symbols, symbol_of(bound, name)?)?),
            None => sweep::usual(bound).map(|symbol| Sweep::new(bound, &symbols, symbol)).transpose()?,
        };
        Ok(Evaluated { bound, symbols, value, sweep, notes })
    }
}

/// What is to be known of the bound of the penalised model besides its value.
fn on_mopo(symbols: &Symbols) -> Result<Option<String>> {
    let (Some(gamma), Some(r_max), Some(lambda)) = (symbols.gamma, symbols.r_max, symbols.lambda) else {
        return Ok(Some(
            "whether it is vacuous is unknown: give --gamma and --r-max, which say how far returns can be apart; in JSON, \
             `vacuous_above` is null until then, and `vacuous` false although unknown"
                .to_owned(),
        ));
    };
    let weight = mopo::penalty_weight(Discounted::new(gamma, r_max)?);
    Ok((lambda < weight).then(|| {
        let (half, weight) = (text::digits(0.5 * weight, 6), text::digits(weight, 6));
        format!(
            "lambda is below γ 2 r_max / (1 − γ) = {weight}: where u is a total variation, the theorem asks for that much, or \
             for half of it, {half}, where all rewards lie in [0, r_max]"
        )
    }))
}

/// The constant says how many policies there are, and so how uncertain one can be of which is the best.
fn on_entropy(symbols: &Symbols) -> Option<String> {
    let (entropy, policies) = (symbols.entropy?, 2.0 * symbols.c?);
    if policies < 1.0 {
        return Some("C = |Π| / 2 is at least 0.5, as there is one policy at least".to_owned());
    }
    let most = policies.ln();
    // Whoever has rounded the logarithm means it.
    (entropy > most + 1e-9).then(|| {
        let [entropy, policies, most] = [entropy, policies, most].map(|number| text::digits(number, 6));
        format!(
            "the entropy, {entropy}, is too large for c: C = |Π| / 2 means |Π| = {policies} policies, whose entropy is at \
             most ln {policies} = {most}"
        )
    })
}

/// The symbol to sweep, which must be one that the bound depends on.
fn symbol_of(bound: &Bound, name: &str) -> Result<Symbol> {
    let plain = name.trim_start_matches('-').replace('_', "-");
    if let Some(symbol) = bound.needs.iter().find(|symbol| symbol.flag() == plain) {
        return Ok(*symbol);
    }
    let flags = || bound.needs.iter().map(|symbol| symbol.flag());
    let mend = match nearest(&plain, flags()) {
        _ if bound.needs.is_empty() => "it depends on none".to_owned(),
        Some(near) if !Symbol::ALL.iter().any(|symbol| symbol.flag() == plain) => {
            format!("did you mean `{near}`?")
        }
        _ => format!("it depends on {}", flags().collect::<Vec<_>>().join(", ")),
    };
    Err(Error::invalid(format_args!("--against {name}: that is no symbol of {}: {mend}", bound.name)))
}

/// What a figure is written as, by the name of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

impl Format {
    /// Refuses what cannot be written before anything is computed.
    fn of(file: &Path) -> Result<Self> {
        if file.is_dir() {
            return Err(Error::invalid(format_args!(
                "--plot: {} is a folder: give the name of a file in it that ends in .svg or .png",
                file.display()
            )));
        }
        let kind = file.extension().map(|kind| kind.to_string_lossy().to_lowercase());
        let format = match kind.as_deref() {
            Some("svg") => Format::Svg,
            Some("png") => Format::Png,
            _ => {
                return Err(Error::invalid(format_args!(
                    "--plot {}: expected a name that ends in .svg or .png",
                    file.display()
                )));
            }
        };
        match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) if !folder.exists() => Err(Error::invalid(format_args!(
                "--plot: the folder {} does not exist: make it first",
                folder.display()
            ))),
            Some(folder) if !folder.is_dir() => {
                Err(Error::invalid(format_args!("--plot: {} is no folder: give another", folder.display())))
            }
            _ => Ok(format),
        }
    }
}
