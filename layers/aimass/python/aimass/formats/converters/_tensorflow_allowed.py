"""What a TensorFlow graph may hold: operators of models, by TensorFlow's names. Everything else is refused.

TensorFlow has more than a thousand operators, and some run a graph that lies in a constant (`DatasetFromGraph`) or jump
to an address (`XlaCallModule`): what is dangerous can't be listed. These compute, and reach for nothing.
"""

from __future__ import annotations

import re

_NUMBERS = """
Abs Acos Acosh Add AddN AddV2 Angle ApproximateEqual Asin Asinh Atan Atan2 Atanh BesselI0e BesselI1e BitwiseAnd
BitwiseOr BitwiseXor Bitcast Bucketize Cast Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Digamma Div
DivNoNan Equal Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Igamma Igammac Imag Inv Invert
IsFinite IsInf IsNan LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Mul
MulNoNan Ndtri Neg NextAfter NotEqual PopulationCount Pow Real RealDiv Reciprocal RightShift Rint Round Rsqrt Select
SelectV2 Sigmoid Sign Sin Sinh Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy Xlog1py Xlogy
Zeta
"""
_GRADIENTS = """
AvgPoolGrad BiasAddGrad BroadcastGradientArgs EluGrad FusedBatchNormGradV3 InvGrad LeakyReluGrad MaxPoolGrad
ReciprocalGrad Relu6Grad ReluGrad RsqrtGrad SeluGrad SigmoidGrad SoftplusGrad SoftsignGrad SqrtGrad StridedSliceGrad
TanhGrad
"""
_LAYERS = """
AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchNormWithGlobalNormalization BiasAdd BiasAddV1 BlockLSTM
BlockLSTMV2 CTCBeamSearchDecoder CTCGreedyDecoder Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D
Conv3DBackpropInput Conv3DBackpropInputV2 CudnnRNN CudnnRNNV2 CudnnRNNV3 DataFormatDimMap DataFormatVecPermute
DepthwiseConv2dNative Dilation2D Einsum Elu FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
FakeQuantWithMinMaxVarsPerChannel FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 GRUBlockCell InTopK InTopKV2 L2Loss
LRN LSTMBlockCell LeakyRelu LogSoftmax MatMul MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Relu Relu6 Selu Softmax
SoftmaxCrossEntropyWithLogits Softplus Softsign SparseSoftmaxCrossEntropyWithLogits
"""
_TENSORS = """
All Any ArgMax ArgMin BatchToSpace BatchToSpaceND Bincount BroadcastArgs BroadcastTo Concat ConcatOffset ConcatV2
Const Cumprod Cumsum CumulativeLogsumexp DenseBincount DenseToDenseSetOperation DepthToSpace Diag DiagPart
DynamicPartition DynamicStitch Empty EnsureShape EuclideanNorm ExpandDims ExtractImagePatches ExtractVolumePatches FFT
FFT2D Fill Gather GatherNd GatherV2 GuaranteeConst HistogramFixedWidth IFFT IFFT2D IRFFT IRFFT2D Identity IdentityN
InplaceAdd InplaceUpdate InvertPermutation LinSpace ListDiff MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2
MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 Max Mean Min MirrorPad
NthElement OneHot OnesLike Pack Pad PadV2 ParallelConcat ParallelDynamicStitch Prod RFFT RFFT2D RaggedCross
RaggedGather RaggedRange RaggedTensorFromVariant RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant Range
Rank Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd SegmentMax SegmentMaxV2 SegmentMean SegmentMin
SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum SegmentSumV2 Shape ShapeN Size Slice Snapshot SpaceToBatch
SpaceToBatchND SpaceToDepth SparseAdd SparseConcat SparseCross SparseCrossV2 SparseDenseCwiseAdd SparseDenseCwiseMul
SparseFillEmptyRows SparseMatMul SparseReduceMax SparseReduceSum SparseReorder SparseReshape SparseSegmentMean
SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments SparseSegmentSum
SparseSegmentSumWithNumSegments SparseSlice SparseSoftmax SparseTensorDenseMatMul SparseToDense Split SplitV Squeeze
StridedSlice Sum TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
TensorStridedSliceUpdate Tile TopK TopKV2 Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack
UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum UpperBound LowerBound Where
ZerosLike
"""
_MATRICES = """
Cholesky LogMatrixDeterminant Lu MatrixDeterminant MatrixExponential MatrixInverse MatrixLogarithm MatrixSolve
MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Qr SelfAdjointEigV2 Svd
"""
_RANDOM = """
Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform
RandomUniformInt StatelessMultinomial StatelessRandomGetAlg StatelessRandomGetKeyCounter
StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessTruncatedNormal
StatelessTruncatedNormalV2 TruncatedNormal
"""
_PICTURES = """
AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize DecodeBmp
DecodeImage DecodeJpeg DecodePng DrawBoundingBoxes EncodeJpeg EncodePng ExtractGlimpse HSVToRGB
ImageProjectiveTransformV2 ImageProjectiveTransformV3 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps RGBToHSV ResizeArea ResizeBicubic ResizeBilinear
ResizeNearestNeighbor SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 ScaleAndTranslate
"""
_TEXTS = """
AsString DecodeBase64 DecodeCSV DecodeRaw EncodeBase64 ParseExample ParseExampleV2 ParseSingleExample ParseTensor
ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin StringLength
StringLower StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast
StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode
UnicodeScript UnicodeTranscode UnsortedSegmentJoin
"""
_SOUND = "AudioSpectrogram DecodeWav Mfcc"
_LISTS = """
EmptyTensorList TensorListConcat TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
TensorListScatter TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
"""
_FLOW = """
Assert CheckNumerics CheckNumericsV2 NoOp Placeholder PlaceholderV2 PlaceholderWithDefault PreventGradient Print
StopGradient
"""
# What a SavedModel has beside what computes: variables and their checkpoint, tables, calls, branches and loops.
_CALLS = """
Case ControlTrigger Enter Exit If LoopCond Merge NextIteration PartitionedCall RefEnter RefExit RefIdentity RefMerge
RefNextIteration RefSwitch StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile Switch While
"""
_VARIABLES = """
Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp CountUpTo DestroyResourceOp
DisableCopyOnRead IsVariableInitialized ReadVariableOp ResourceCountUpTo ResourceGather ResourceGatherNd
ResourceScatterAdd ResourceScatterNdUpdate ResourceScatterUpdate ResourceStridedSliceAssign ScatterAdd ScatterUpdate
StatefulStandardNormalV2 StatefulUniform StatefulUniformInt RngReadAndSkip RngSkip VarHandleOp VarIsInitializedOp
Variable VariableShape VariableV2
"""
_TABLES = """
HashTable HashTableV2 InitializeTable InitializeTableV2 LookupTableExport LookupTableExportV2 LookupTableFind
LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableInsert LookupTableInsertV2 LookupTableSize
LookupTableSizeV2 MutableHashTable MutableHashTableV2
"""
_ARRAYS = """
TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3
TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3
"""
_STORED = "MergeV2Checkpoints RestoreV2 Restore RestoreSlice SaveV2 Save SaveSlices ShardedFilename ShardedFilespec"

_COMPUTES = frozenset(
    (
        *(_NUMBERS + _GRADIENTS + _LAYERS + _TENSORS + _MATRICES + _RANDOM).split(),
        *(_PICTURES + _TEXTS).split(),
        *(_SOUND.split() + _LISTS.split() + _FLOW.split()),
    )
)
_SAVED = _COMPUTES.union(*(one.split() for one in (_CALLS, _VARIABLES, _TABLES, _ARRAYS, _STORED)))
_APPLIES = re.compile(r"(Resource)?(Sparse)?Apply[A-Z]\w*", re.ASCII)  # steps of training, which change variables


def computes(operator: str) -> bool:
    """Whether its answer hangs on its inputs, or on chance, and nothing else comes of it."""
    return operator in _COMPUTES


def in_saved_model(operator: str) -> bool:
    """Whether a SavedModel may hold it: what computes, and what keeps variables, calls and branches."""
    return operator in _SAVED or bool(_APPLIES.fullmatch(operator))
