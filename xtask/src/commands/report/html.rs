//! Words and tables as HTML.

use std::fmt::{self, Write};

/// A text of which no letter is taken for markup.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            letter => f.write_char(letter),
        })
    }
}

/// A sentence, in which no line begins with a percent sign.
pub(crate) fn sentence(text: &str) -> String {
    Escaped(&text.replace(" %", "\u{a0}%")).to_string()
}

/// A number as a person reads it: four digits that count, and powers of ten only where zeros would be counted.
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if size > 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{x:.2e}").replace('-', "\u{2212}");
    }
    let digits = match size {
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    format!("{x:.digits$}").replace('-', "\u{2212}")
}

/// A whole number with its thousands apart.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time as a person says it.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
    }
}

/// A table whose first column names its rows. It has a box of its own to be moved in, where the page is too narrow for it.
pub(crate) fn table(out: &mut String, headings: &[&str], rows: &[Vec<String>]) {
    out.push_str(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table>\n<thead><tr>",
    );
    for heading in headings {
        put(out, format_args!("<th scope=\"col\">{}</th>", Escaped(heading)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let (open, close) = if i == 0 { ("<th scope=\"row\">", "</th>") } else { ("<td>", "</td>") };
            put(out, format_args!("{open}{}{close}", Escaped(cell)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

/// A paragraph.
pub(crate) fn paragraph(out: &mut String, text: &str) {
    put(out, format_args!("<p>{}</p>\n", sentence(text)));
}

/// Appends to a text, which takes everything.
pub(crate) fn put(out: &mut String, text: fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_say_something() {
        for (x, said) in [
            (0.0, "0.000"),
            (-1234.56, "\u{2212}1234.6"),
            (12.345, "12.35"),
            (0.01234, "0.012"),
            (0.000_123_4, "1.23e\u{2212}4"),
            (2.5e7, "2.50e7"),
        ] {
            assert_eq!(number(x), said);
        }
        assert_eq!(
            [count(1500), count(12_000), count(1_234_567)].join(" "),
            "1500 12\u{202f}000 1\u{202f}234\u{202f}567"
        );
        assert_eq!(
            [duration(3.21), duration(75.0), duration(7_320.0)].join(", "),
            "3.2 s, 1 min 15 s, 2 h 2 min"
        );
        assert_eq!(Escaped("a<b>&\"").to_string(), "a&lt;b&gt;&amp;&quot;");
    }
}
