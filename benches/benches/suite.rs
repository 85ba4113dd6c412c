//! Every case as a criterion benchmark, the work beside its floor, and the share of each, timed in turn.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mbrl_bench::{CASES, Pair, measure};

fn suite(criterion: &mut Criterion) {
    // Criterion skips what its filter does not name; preparing and comparing it would take as long all the same.
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    for case in CASES.iter().filter(|case| case.name.contains(&filter)) {
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Elements(case.items));
        let Pair { mut work, mut floor } = (case.prepare)();
        group.bench_function(BenchmarkId::new("work", case.threads), |bencher| bencher.iter(&mut work));
        group.bench_function(BenchmarkId::new("floor", case.floor), |bencher| bencher.iter(&mut floor));
        group.finish();
        let measured = measure(case, 31);
        println!(
            "{:<28} {} thread(s): {:.0} % of the speed of {} (target {:.0} %)\n",
            case.name,
            case.threads,
            100.0 * measured.share,
            case.floor,
            100.0 * case.target
        );
    }
}

criterion_group!(benches, suite);
criterion_main!(benches);
