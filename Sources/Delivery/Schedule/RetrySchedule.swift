import Mail

/// How long mail waits between attempts: written `["1m*4", "5m*6", "10m"]`, four waits of a minute,
/// six of five, then ten minutes for as long as it takes.
package struct RetrySchedule: Sendable, Equatable {
    package struct Step: Sendable, Equatable {
        package let wait: Duration
        package let times: Int
    }

    /// Never empty; the last one repeats.
    package let steps: [Step]

    package static let standard = RetrySchedule(
        first: Step(wait: .seconds(60), times: 4),
        then: [Step(wait: .seconds(300), times: 6), Step(wait: .seconds(600), times: 1)]
    )

    package init(every wait: Duration) {
        self.init(first: Step(wait: wait, times: 1), then: [])
    }

    private init(first: Step, then others: [Step]) {
        steps = [first] + others
    }

    /// Throws a sentence for the operator when a form is none of `5m` and `5m*6`.
    package init(parsing forms: [String]) throws(RetryScheduleError) {
        var steps: [Step] = []
        for form in forms { steps.append(try Step(parsing: form)) }
        guard let first = steps.first else {
            throw RetryScheduleError(reason: "a retry schedule needs at least one wait")
        }
        self.init(first: first, then: Array(steps.dropFirst()))
    }

    /// The wait after the attempt of that number (the first attempt is 1), unjittered.
    package func wait(afterAttempt attempt: Int) -> Duration {
        var left = max(1, attempt)
        for step in steps {
            if left <= step.times { return step.wait }
            left -= step.times
        }
        return steps[steps.count - 1].wait
    }

    /// The same, spread by 15 % to either side, so that mail which failed together does not come back
    /// together. `chance` is even in 0..<1.
    package func wait(afterAttempt attempt: Int, chance: Double) -> Duration {
        let plain = wait(afterAttempt: attempt).milliseconds
        return .milliseconds(max(1, Int64(Double(plain) * (0.85 + 0.3 * chance))))
    }
}

package struct RetryScheduleError: Error, Equatable {
    package let reason: String
}

extension RetrySchedule.Step: CustomStringConvertible {
    init(parsing form: String) throws(RetryScheduleError) {
        let parts = form.split(separator: "*", omittingEmptySubsequences: false)
        guard let wait = Duration(shortForm: parts[0]), wait > .zero, wait <= .seconds(7 * 86_400)
        else {
            throw RetryScheduleError(reason: "\"\(form)\" is no wait such as \"5m\" or \"5m*6\"")
        }
        guard parts.count > 1 else {
            self.init(wait: wait, times: 1)
            return
        }
        guard parts.count == 2, let times = Int(parts[1]), (1...1000).contains(times),
            parts[1].utf8.first != UInt8(ascii: "+")
        else {
            throw RetryScheduleError(reason: "\"\(form)\": after * comes a number from 1 to 1000")
        }
        self.init(wait: wait, times: times)
    }

    package var description: String {
        times == 1 ? wait.shortForm : "\(wait.shortForm)*\(times)"
    }
}

extension RetrySchedule: CustomStringConvertible {
    /// The written form: `1m*4, 5m*6, 10m`.
    package var description: String { steps.map(\.description).joined(separator: ", ") }
}

extension Duration {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// One whole number and a unit: `90s`, `5m`, `2d`, `250ms`; nil for anything else.
    init?(shortForm text: some StringProtocol) {
        let digits = text.utf8.prefix { $0 &- 48 < 10 }
        let suffix = text.utf8.dropFirst(digits.count)
        guard digits.count <= 12, let number = Int64(String(decoding: digits, as: UTF8.self)),
            let unit = Self.units.first(where: { $0.name.utf8.elementsEqual(suffix) })
        else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow else { return nil }
        self = .milliseconds(milliseconds)
    }

    /// The same form, in the largest unit that leaves a whole number.
    package var shortForm: String {
        let value = milliseconds
        let unit = Self.units.first { value % $0.milliseconds == 0 && value != 0 } ?? ("s", 1000)
        return "\(value / unit.milliseconds)\(unit.name)"
    }
}
