package struct JSON5Error: Error { package let reason: String; package let line: Int; package let column: Int }
package struct JSON5Member: Sendable { package let key: String; package let line: Int; package let node: JSON5Node }
package struct JSON5Node: Sendable { package let value: JSON5Value; package let line: Int; package let column: Int }
package indirect enum JSON5Value: Sendable { case null, bool(Bool), number(Double), string(String), array([JSON5Node]), object([JSON5Member]) }
package enum JSON5 { package static func parse(_ t: String) throws(JSON5Error) -> JSON5Node { throw JSON5Error(reason: "", line: 0, column: 0) } }
