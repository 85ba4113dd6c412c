//! `bounds`: what a bound of theory comes to, and whether it says anything.

mod document;
mod example;
mod figure;
mod sweep;
mod text;

use crate::plot::Theme;
use crate::{Outcome, out};
use document::Document;
use mbrl_bounds::{BOUNDS, Bound, Discounted, Family, Symbol, Symbols, Value, mopo};
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
    #[command(flatten)]
    given: Given,
    /// The symbol against which the bound is shown.
    #[arg(long, value_name = "SYMBOL")]
    against: Option<String>,
    /// Draw the bound against that symbol, as .svg or as .png.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
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
    /// E[KL(q ‖ p)] in nats, of all episodes, or of each: K numbers with commas between.
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
        mbrl_buffer::write_aside(file, |out| out.write_all(&bytes).context("writing"))?;
        out::progress(format_args!("wrote {}", file.display()));
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
        if is_mopo {
            notes.extend(on_mopo(&symbols)?);
        }
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
            "whether it is vacuous depends on how far returns can be apart: give --gamma and --r-max"
                .to_owned(),
        ));
    };
    let weight = mopo::penalty_weight(Discounted::new(gamma, r_max)?);
    Ok((lambda < weight).then(|| {
        let weight = text::digits(weight, 6);
        format!("lambda is below γ 2 r_max / (1 − γ) = {weight}: where u is a total variation, that is too little for the theorem")
    }))
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
    fn of(file: &Path) -> Result<Self> {
        let kind = file.extension().map(|kind| kind.to_string_lossy().to_lowercase());
        match kind.as_deref() {
            Some("svg") => Ok(Format::Svg),
            Some("png") => Ok(Format::Png),
            _ => Err(Error::invalid(format_args!(
                "--plot {}: expected a name that ends in .svg or .png",
                file.display()
            ))),
        }
    }
}
