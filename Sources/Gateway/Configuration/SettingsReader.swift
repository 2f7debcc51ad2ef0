import Mail
import Wire

/// Collects all problems of a file, so that an administrator mends them in one go.
final class ProblemReport {
    let file: String
    private(set) var problems: [ConfigurationProblem] = []

    init(file: String) {
        self.file = file
    }

    func note(_ keyPath: String, line: Int?, _ text: String) {
        problems.append(
            ConfigurationProblem(file: file, line: line, keyPath: keyPath, text: text)
        )
    }
}

/// One object of the file, read key by key. What nobody asked for is unknown.
final class SettingsReader {
    let path: String
    let line: Int
    private let members: [JSON5Member]
    private let report: ProblemReport
    private var known: Set<String> = []
    private var faulty: Set<String> = []

    init(_ members: [JSON5Member], path: String, line: Int, report: ProblemReport) {
        self.members = members
        self.path = path
        self.line = line
        self.report = report
    }

    func place(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// A complaint about this key has been noted: what is left of its value says nothing.
    func isFaulty(_ key: String) -> Bool { faulty.contains(key) }

    func note(_ key: String, _ text: String) {
        faulty.insert(key)
        let line = members.first { $0.key == key }?.line ?? line
        report.note(key.isEmpty ? path : place(key), line: line, text)
    }

    func isGiven(_ key: String) -> Bool {
        members.contains { $0.key == key }
    }

    private func node(_ key: String) -> JSON5Node? {
        known.insert(key)
        return members.first { $0.key == key }?.node
    }

    // MARK: Plain values

    func string(_ key: String) -> String? { text(key, "a string in quotes") }

    /// `form` is what a value that is no string is told to be.
    private func text(_ key: String, _ form: String) -> String? {
        guard let node = node(key) else { return nil }
        guard case .string(let text) = node.value else {
            note(key, "must be \(form)")
            return nil
        }
        return text
    }

    func bool(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        guard case .bool(let flag) = node.value else {
            note(key, "must be true or false")
            return nil
        }
        return flag
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = node(key) else { return nil }
        guard let integer = node.intValue, range.contains(integer) else {
            note(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return integer
    }

    /// `"90s"`, `"5m"`, `"2d"`; `"0s"` switches off.
    func duration(_ key: String) -> Duration? {
        value(key, "a duration such as \"90s\", \"5m\" or \"2d\"") { Quantity.duration($0) }
    }

    /// `"36MB"` in octets.
    func octets(_ key: String) -> Int? {
        value(key, "a size such as \"256KB\" or \"36MB\"") { Quantity.octets($0) }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        value(key, "one of \(Self.names(of: type))") { Choice(rawValue: $0) }
    }

    func choices<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        _ type: Choice.Type
    ) -> [Choice]? where Choice.RawValue == String {
        values(key, "one of \(Self.names(of: type))") { Choice(rawValue: $0) }
    }

    private static func names<Choice: RawRepresentable & CaseIterable>(
        of type: Choice.Type
    ) -> String where Choice.RawValue == String {
        Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    }

    /// One value made from a string.
    func value<Value>(_ key: String, _ form: String, _ make: (String) -> Value?) -> Value? {
        guard let text = text(key, "\(form), in quotes") else { return nil }
        guard let value = make(text) else {
            note(key, "must be \(form), not \"\(text)\"")
            return nil
        }
        return value
    }

    /// A list of values made from strings.
    func values<Value>(_ key: String, _ form: String, _ make: (String) -> Value?) -> [Value]? {
        guard let node = node(key) else { return nil }
        guard case .array(let elements) = node.value else {
            note(key, "must be a list")
            return nil
        }
        return elements.enumerated().compactMap { index, element in
            guard case .string(let text) = element.value, let value = make(text) else {
                faulty.insert(key)
                let place = "\(place(key))[\(index)]"
                report.note(place, line: element.line, "must be \(form)")
                return nil
            }
            return value
        }
    }

    func strings(_ key: String) -> [String]? {
        values(key, "a string") { $0 }
    }

    // MARK: Objects

    /// `example` is one that a message can show.
    func object(_ key: String, like example: String) -> SettingsReader? {
        guard let node = node(key) else { return nil }
        return reader(node, at: place(key), like: example)
    }

    /// The objects of a list.
    func objects(_ key: String, like example: String) -> [SettingsReader] {
        guard let node = node(key) else { return [] }
        guard case .array(let elements) = node.value else {
            note(key, "must be a list of objects such as [\(example)]")
            return []
        }
        return elements.enumerated().compactMap {
            reader($1, at: "\(place(key))[\($0)]", like: example)
        }
    }

    /// The members of an object whose keys are the user's own.
    func entries(_ key: String, like example: String) -> [(key: String, value: String)] {
        guard let node = node(key) else { return [] }
        guard case .object(let members) = node.value else {
            note(key, "must be an object such as \(example)")
            return []
        }
        return members.compactMap { member in
            guard case .string(let text) = member.node.value else {
                report.note("\(place(key)).\(member.key)", line: member.line, "must be a string")
                return nil
            }
            return (member.key, text)
        }
    }

    private func reader(
        _ node: JSON5Node,
        at path: String,
        like example: String
    ) -> SettingsReader? {
        guard case .object(let members) = node.value else {
            report.note(path, line: node.line, "must be an object such as \(example)")
            return nil
        }
        return SettingsReader(members, path: path, line: node.line, report: report)
    }

    // MARK: The end

    /// Names the keys that a later version will know; here they would be promises without effect.
    func refuse(_ keys: [String]) {
        for key in keys where isGiven(key) {
            known.insert(key)
            note(key, "is not supported by this version of Postern; remove it")
        }
    }

    /// Takes keys that have no effect yet and do no harm. Answers those that are there.
    func tolerate(_ keys: [String]) -> [String] {
        known.formUnion(keys)
        return keys.filter(isGiven)
    }

    func finish(knownTo subject: String) {
        for member in members where !known.contains(member.key) {
            let candidates = known.sorted()
            let nearest = candidates.min {
                editDistance($0, member.key) < editDistance($1, member.key)
            }
            let hint =
                nearest.map { name in
                    editDistance(name, member.key) <= min(3, member.key.utf8.count / 2)
                        ? "; did you mean \"\(name)\"?" : ""
                } ?? ""
            report.note(
                place(member.key),
                line: member.line,
                "unknown key in \(subject)"
                    + (hint.isEmpty
                        ? "; remove it, or write one of \(candidates.joined(separator: ", "))"
                        : hint)
            )
        }
    }
}

/// Levenshtein's distance, for "did you mean".
private func editDistance(_ left: String, _ right: String) -> Int {
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (i, a) in left.utf8.enumerated() {
        var previous = row[0]
        row[0] = i + 1
        for (j, b) in right.enumerated() {
            let cost = min(row[j] + 1, row[j + 1] + 1, previous + (a == b ? 0 : 1))
            previous = row[j + 1]
            row[j + 1] = cost
        }
    }
    return row[right.count]
}
